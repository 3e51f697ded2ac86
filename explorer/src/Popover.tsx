/** A button with a panel below it; Escape and a click outside close the panel. */

import { useEffect, useRef, useState, type ReactNode } from 'react';

interface PopoverProps {
  readonly label: ReactNode;
  readonly title: string;
  readonly buttonClass: string;
  readonly initiallyOpen?: boolean;
  readonly children: ReactNode;
}

export function Popover({ label, title, buttonClass, initiallyOpen = false, children }: PopoverProps) {
  const [open, setOpen] = useState(initiallyOpen);
  const frame = useRef<HTMLDivElement>(null);

  useEffect(() => {
    if (!open) return;
    const onPointer = (event: PointerEvent): void => {
      if (!frame.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') setOpen(false);
    };
    document.addEventListener('pointerdown', onPointer);
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('pointerdown', onPointer);
      document.removeEventListener('keydown', onKey);
    };
  }, [open]);

  return (
    <div className="fg-popover" ref={frame}>
      <button type="button" className={buttonClass} aria-expanded={open} onClick={() => setOpen(!open)}>
        {label}
      </button>
      {open && (
        <section className="fg-panel" aria-label={title}>
          {children}
        </section>
      )}
    </div>
  );
}
