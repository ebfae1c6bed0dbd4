/** Keys that tune parts of Apache which are built otherwise here: threads, buffers, the Java machine. */
import { parsedLong, strictBoolean } from '../java-values.ts'
import { idleKeys, type Room } from '../room.ts'

export const idle = {
  settings: {},
  idle: {
    ...idleKeys(['jvm.pause.info-threshold.ms', 'jvm.pause.warn-threshold.ms', 'jvm.pause.sleep.time.ms'], parsedLong),
    ...idleKeys(['jvm.pause.monitor'], strictBoolean),
    ...idleKeys([
      ...['clientTcpKeepAlive', 'watchManagerName', 'watcherCleanThreadsNum', 'watcherCleanThreshold'],
      ...['watcherCleanIntervalInSeconds', 'maxInProcessingDeadWatchers', 'bitHashCacheSize'],
      ...['nio.numSelectorThreads', 'nio.numWorkerThreads', 'nio.directBufferBytes', 'nio.shutdownTimeout'],
      ...['commitProcessor.numWorkerThreads', 'commitProcessor.maxReadBatchSize', 'commitProcessor.shutdownTimeout'],
      ...['commitProcessor.maxCommitBatchSize'],
    ]),
  },
} as const satisfies Room
