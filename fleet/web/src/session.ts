/** The token: from `#token=...` in the address, or the sign-in form; kept for this tab only. */

const KEY = "skybeat.token";

/** Takes the token out of the address (and out of the address bar), or the one kept. */
export function savedToken(): string | null {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    history.replaceState(null, "", location.pathname + location.search);
    if (given.trim() !== "") keepToken(given.trim());
  }
  return sessionStorage.getItem(KEY);
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
}
