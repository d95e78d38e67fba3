// GraphiQL keeps tabs and history in the browser. Its history would keep the headers too, and with them tokens.

/** The browser's storage of that name; where it may keep nothing for pages, one that lasts as long as the page. */
export function storageOf(name) {
  try {
    return window[name];
  } catch {
    const kept = new Map();
    return {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => kept.set(key, value),
      removeItem: (key) => kept.delete(key),
      clear: () => kept.clear(),
      get length() {
        return kept.size;
      },
    };
  }
}

/** A Storage that forgets the headers in what it is told to keep; GraphiQL only reads a tab again that has some, or null. */
export function withoutHeaders(storage) {
  return {
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => storage.setItem(key, forgotten(value)),
    removeItem: (key) => storage.removeItem(key),
    clear: () => storage.clear(),
    get length() {
      return storage.length;
    },
  };
}

function forgotten(value) {
  try {
    return JSON.stringify(JSON.parse(value), (key, each) => (key === "headers" ? null : each));
  } catch {
    return value;
  }
}
