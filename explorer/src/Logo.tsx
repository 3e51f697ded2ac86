/** The mark: three things of one graph. The same drawing is public/favicon.svg. */

export function Logo() {
  return (
    <svg className="fg-logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <path className="fg-logo-edge" d="M8.5 23.5 16 8l7.5 15.5M11.4 17.6h9.2" />
      <circle className="fg-logo-node" cx="16" cy="8" r="4" />
      <circle className="fg-logo-node" cx="8.5" cy="23.5" r="3.5" />
      <circle className="fg-logo-leaf" cx="23.5" cy="23.5" r="3.5" />
    </svg>
  );
}
