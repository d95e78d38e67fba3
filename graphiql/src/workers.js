// Where the editor finds its workers: beside this script. WORKERS is filled in by build.mjs.

globalThis.MonacoEnvironment = {
  getWorkerUrl: (_, label) => new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url).href,
};
