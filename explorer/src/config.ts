/** What the gateway tells the page about itself: `/explorer/config.json`, a static file it may also answer itself. */

export interface ExplorerConfig {
  readonly environment: string;
  /** The demo fleet's login, offered with one click; null where there is no demo fleet. */
  readonly demo: { readonly email: string; readonly password: string } | null;
}

const WITHOUT_CONFIG: ExplorerConfig = { environment: 'gateway', demo: null };

export async function loadConfig(): Promise<ExplorerConfig> {
  const response = await fetch(`${import.meta.env.BASE_URL}config.json`);
  return response.ok ? { ...WITHOUT_CONFIG, ...((await response.json()) as Partial<ExplorerConfig>) } : WITHOUT_CONFIG;
}
