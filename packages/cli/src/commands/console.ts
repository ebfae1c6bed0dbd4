/** `lightkeeper console`: the web console in the foreground. */
import { readFileSync } from 'node:fs'
import { leveledLog } from '@lightkeeper/runtime'
import { type Run, UsageError } from '../command.ts'
import { connectionOf } from '../connect.ts'
import { adminPages } from '../live.ts'
import { logSink } from '../log-sink.ts'
import { say } from '../output.ts'
import { untilInterrupted } from '../signals.ts'
import type { console as row } from '../table/console.ts'

export const run: Run<typeof row> = async ({ values, connecting }) => {
  const stop = untilInterrupted()
  const connection = await connectionOf(connecting)
  const { target, options, admin } = connection
  const { startConsole } = await import('@lightkeeper/console')
  const dataDir = values['data-dir']
  if (dataDir === undefined && values['log-dir'] !== undefined) throw new UsageError('--log-dir needs --data-dir')
  const running = await startConsole({
    servers: target,
    host: values.host,
    port: values.port,
    allowsWrites: values['allow-writes'],
    hostNames: values['allow-host'],
    token: values['token-file'] === undefined ? undefined : tokenIn(values['token-file']),
    past: dataDir === undefined ? undefined : { dataDir, logDir: values['log-dir'] },
    admin: admin === undefined ? undefined : await adminPages(connection, admin),
    connect: options,
    log: leveledLog(await logSink('text'), () => 'info'),
  })
  say(`lightkeeper console at ${running.url}\n`)
  if (!stop.aborted) await new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()))
  await running.close()
  return 0
}

/** @throws Error where the file cannot be read, or has no usable token. */
function tokenIn(file: string): string {
  const token = readFileSync(file, 'utf8').trim()
  if (/^[\w.~-]{16,}$/.test(token)) return token
  throw new Error(`the token in ${file} must have at least 16 letters, digits, or characters of . _ ~ -`)
}
