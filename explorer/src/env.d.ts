/** Parts of the editor that come without types of their own. */

/// <reference types="vite/client" />

declare module '@fontsource-variable/inter';
declare module '@fontsource-variable/jetbrains-mono';

interface MonacoWorkers {
  getWorker(id: string, label: string): Worker;
}

declare var MonacoEnvironment: MonacoWorkers;
