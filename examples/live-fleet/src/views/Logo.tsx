export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M8.5 23.5 16 8l7.5 15.5M11.4 17.6h9.2" />
      <circle cx="16" cy="8" r="4" />
      <circle cx="8.5" cy="23.5" r="3.5" />
      <circle className="leaf" cx="23.5" cy="23.5" r="3.5" />
    </svg>
  );
}
