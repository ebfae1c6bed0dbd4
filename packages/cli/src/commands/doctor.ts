/** `lightkeeper doctor`: what is wrong with a data directory, a server or an ensemble, and the next command. */
import { statfs } from 'node:fs/promises'
import { connect } from '@lightkeeper/client'
import { silentLog } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import {
  type AdminPages,
  askWord,
  bySeverity,
  type DiagnosedServer,
  diagnose,
  type Finding,
  findingsInDirectory,
  isWrong,
  TreeSurvey,
} from '@lightkeeper/tools'
import { type Call, type Run, UsageError } from '../command.ts'
import { type Connection, connectionOf } from '../connect.ts'
import { adminPages, hostsOf, tlsOf } from '../live.ts'
import { jsonLine, printable } from '../output.ts'
import { progress } from '../progress.ts'
import { Signals } from '../signals.ts'
import type { doctor } from '../table/doctor.ts'

type Doctor = Call<typeof doctor>

export const run: Run<typeof doctor> = async (call) => {
  const { values, args } = call
  using signals = new Signals()
  if (args.dataDir === undefined && values['log-dir'] !== undefined) throw new UsageError('--log-dir needs DATA_DIR')
  const { findings, looked } =
    args.dataDir === undefined
      ? await inServers(call, signals.signal)
      : await inDirectory(args.dataDir, call, signals.signal)
  const shown = values.quiet ? findings.filter(({ severity }) => severity !== 'note') : findings
  for (const finding of shown) process.stdout.write(values.json ? jsonLine(finding) : textOf(finding))
  const count = (severity: Finding['severity']): number => findings.filter((each) => each.severity === severity).length
  const facts = { critical: count('critical'), warnings: count('warning'), notes: count('note') }
  const isBad = isWrong(findings)
  if (values.json) process.stdout.write(jsonLine({ ...facts, isWrong: isBad, looked }))
  else
    process.stdout.write(
      isBad ? `${facts.critical} critical, ${facts.warnings} warnings (${looked})\n` : `nothing is wrong (${looked})\n`,
    )
  return isBad ? 1 : 0
}

interface Result {
  readonly findings: readonly Finding[]
  /** What was looked at, in words. */
  readonly looked: string
}

async function inDirectory(dataDir: string, { values }: Doctor, signal: AbortSignal): Promise<Result> {
  const { examine } = await import('@lightkeeper/server')
  const survey = new TreeSurvey({ frameBytes: values['frame-bytes'], where: dataDir })
  using bar = progress('doctor', 'znodes looked at')
  const runtime = nodeRuntime({ log: silentLog })
  const facts = await examine(runtime, {
    dataDir,
    logDir: values['log-dir'],
    onZnode: (znode) => {
      survey.add(znode)
      bar.update(survey.count)
    },
    signal,
  })
  const { bavail, blocks, bsize } = await statfs(facts.logDirectory)
  const space = { free: bavail * bsize, total: blocks * bsize }
  const findings = [
    ...findingsInDirectory(facts, { directory: dataDir, now: runtime.clock.wall(), space }),
    ...survey.findings(),
  ]
  const looked = `${facts.logs.length} logs, ${facts.snapshots.length} snapshots, ${survey.count} znodes`
  return { findings: bySeverity(findings), looked }
}

async function inServers({ values, connecting }: Doctor, signal: AbortSignal): Promise<Result> {
  const connection = await connectionOf(connecting)
  const runtime = nodeRuntime({ log: silentLog })
  const addresses = await hostsOf(connection, runtime)
  const tls = await tlsOf(connection)
  const asked: DiagnosedServer[] = []
  for (const address of addresses) {
    asked.push({
      address,
      ask: (word: string) => askWord(runtime, address, word, { tls }),
      pages: await pagesOf(address, addresses.length === 1, connection),
      connect: () => connect(address, { ...connection.options, signal, log: silentLog }),
    })
  }
  using bar = progress('doctor', 'znodes looked at')
  let earlier = 0
  let last = 0
  const { findings, znodes } = await diagnose(asked, {
    now: () => runtime.clock.wall(),
    znodesMax: values.znodes,
    frameBytes: values['frame-bytes'],
    signal,
    onProgress(_address, count) {
      // A server begins with 0.
      if (count === 0) earlier += last
      last = count
      bar.update(earlier + count)
    },
  })
  return {
    findings,
    looked: `${addresses.length === 1 ? 'one server' : `${addresses.length} servers`}, ${znodes} znodes`,
  }
}

/** Pages need not be there, and a diagnosis does not wait long for them. */
const pagesTimeoutMs = 5_000

/**
 * At --admin, else at the usual port of the server's host. Where there are several servers, the port of --admin counts at the host of
 * each. Pages of another server are recognised, and not used.
 */
function pagesOf(address: string, isOnly: boolean, { admin, options }: Connection): Promise<AdminPages> {
  const host = address.slice(0, address.lastIndexOf(':'))
  const url = new URL(admin ?? `http://${host}:8080`)
  if (!isOnly) url.hostname = host
  const requestTimeout = Math.min(options.requestTimeout ?? pagesTimeoutMs, pagesTimeoutMs)
  return adminPages({ options: { ...options, requestTimeout } }, url)
}

const marks = { critical: 'CRITICAL', warning: 'WARNING', note: 'note' } as const

function textOf({ severity, name, what, where, evidence, next }: Finding): string {
  const lines = [
    `${marks[severity]} ${name}: ${what}`,
    `  where: ${where}`,
    ...evidence.map((fact) => `  shown by: ${fact}`),
    `  next: ${next}`,
  ]
  return `${lines.map(printable).join('\n')}\n\n`
}
