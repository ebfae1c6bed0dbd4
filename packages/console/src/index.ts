/** A web console for any ZooKeeper: a gateway over the client, and the web application that it serves. */
export type { WebFile, WebFiles } from './gateway/app.ts'
export { type ConsoleOptions, type RunningConsole, startConsole } from './host/console.ts'
export type { KeptDay, KeptFigures } from './servers/kept.ts'
