/** `lightkeeper backup`: a copy of a data directory in use. */
import { nodeRuntime, stderrLog } from '@lightkeeper/runtime/node'
import { parseAll } from '../arguments.ts'
import { type Command, UsageError } from '../command.ts'
import { hexOf } from '../output.ts'

const usage = `usage: lightkeeper backup DATA_DIR TARGET_DIR [options]

Writes what is in a data directory, ours or Apache ZooKeeper's, into TARGET_DIR as one snapshot, while a server goes on using it.
Everything acknowledged when it begins is in it; it is read back before the command ends. To restore, start a server on
TARGET_DIR, or on a copy of it: lightkeeper server --data-dir TARGET_DIR.

  --log-dir D       directory with the logs, where dataLogDir is set (default: DATA_DIR)
  --compress M      gz or snappy
`

export const backupCommand: Command = {
  name: 'backup',
  summary: 'copy a data directory that is in use, as one snapshot',
  usage,
  async run(args) {
    const { values, positionals } = parseAll('backup', args, optionTypes)
    const [dataDir, target, ...more] = positionals
    if (dataDir === undefined || target === undefined || more.length > 0) {
      throw new UsageError('wants two directories, the data and the target')
    }
    const compression = values.compress ?? 'none'
    if (compression !== 'none' && compression !== 'gz' && compression !== 'snappy') {
      throw new UsageError(`--compress wants gz or snappy, got "${compression}"`)
    }
    const { backup } = await import('@lightkeeper/server')
    const dataLogDir = values['log-dir']
    const { file, zxid, znodes } = await backup(nodeRuntime({ log: stderrLog('warn') }), {
      dataDir,
      dataLogDir,
      target,
      compression,
    })
    process.stdout.write(`${file}: ${znodes} znodes, everything up to ${hexOf(zxid)}\n`)
    return 0
  },
}

const optionTypes = { 'log-dir': { type: 'string' }, compress: { type: 'string' } } as const
