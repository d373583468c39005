/** Small choices kept by the browser; where storage is denied they last as long as the page. */

export function browserStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/**
 * Whether somebody may be signed in here. The cookie cannot be read, and asking the server in vain would stand as an
 * error in the browser's log of everybody who opens the sign-in.
 */
export const signInHint = {
  get: (): boolean => {
    const storage = browserStorage();
    try {
      return storage === null || storage.getItem("frontdesk.signed-in") !== null;
    } catch {
      return true;
    }
  },
  set: (signedIn: boolean): void => {
    try {
      if (signedIn) browserStorage()?.setItem("frontdesk.signed-in", "1");
      else browserStorage()?.removeItem("frontdesk.signed-in");
    } catch {
      // Denied: the server is asked.
    }
  },
};

export function readStored<T>(name: string, fallback: T): T {
  try {
    const text = browserStorage()?.getItem(`frontdesk.${name}`);
    return text == null ? fallback : { ...fallback, ...(JSON.parse(text) as T) };
  } catch {
    return fallback;
  }
}

export function writeStored(name: string, value: unknown): void {
  try {
    browserStorage()?.setItem(`frontdesk.${name}`, JSON.stringify(value));
  } catch {
    // Denied or full: the choice lasts as long as the page.
  }
}
