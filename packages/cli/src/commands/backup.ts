/** `lightkeeper backup`: a copy of a data directory in use. */
import { nodeRuntime, stderrLog } from '@lightkeeper/runtime/node'
import { backup } from '@lightkeeper/server'
import type { Run } from '../command.ts'
import { hexOf, jsonLine } from '../output.ts'
import type { backup as row } from '../table/serving.ts'

export const run: Run<typeof row> = async ({ values, args }) => {
  const { dataDir, targetDir: target } = args
  const { 'log-dir': dataLogDir, compress: compression = 'none', json } = values
  const done = await backup(nodeRuntime({ log: stderrLog('warn') }), { dataDir, dataLogDir, target, compression })
  const { file, zxid, znodes } = done
  process.stdout.write(
    json ? jsonLine({ file, zxid, znodes }) : `${file}: ${znodes} znodes, everything up to ${hexOf(zxid)}\n`,
  )
  return 0
}
