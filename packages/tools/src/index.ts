/** What operators look for in a ZooKeeper, as functions over what a client or a data directory gives. */
export type { SeenTree, SeenZnode } from './structures/directory.ts'
export { readSeen, type Seen } from './structures/read-seen.ts'
export { recognise } from './structures/recognise.ts'
export type { Layout, Party, Structure, StructureKind, Waiter } from './structures/structure.ts'
export { type Cycle, cyclesOf, type Edge, edgesOf } from './structures/waiting.ts'
