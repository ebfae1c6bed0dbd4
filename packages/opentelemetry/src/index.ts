/**
 * Spans and metrics of every Lightkeeper client of this process, from its diagnostics channels. No data and no
 * credentials: those are never on the channels.
 */
export { type Instrumentation, type InstrumentOptions, instrument } from './instrument.ts'
export type { ObservedClient } from './metrics.ts'
