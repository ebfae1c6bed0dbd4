/** `lightkeeper doctor`: what is wrong with a data directory, a server or an ensemble, and the next command. */
import { statfs } from 'node:fs/promises'
import { connect } from '@lightkeeper/client'
import { parseConnectString } from '@lightkeeper/client/arguments'
import { silentLog, type TlsOptions } from '@lightkeeper/runtime'
import { nodeRuntime } from '@lightkeeper/runtime/node'
import {
  AdminPages,
  askWord,
  bySeverity,
  diagnose,
  type Finding,
  findingsInDirectory,
  isWrong,
  TreeSurvey,
} from '@lightkeeper/tools'
import { type Call, type Run, UsageError } from '../command.ts'
import { type Connection, connectionOf } from '../connect.ts'
import { jsonLine, printable } from '../output.ts'
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
  const runtime = nodeRuntime({ log: silentLog })
  const facts = await examine(runtime, {
    dataDir,
    logDir: values['log-dir'],
    onZnode: (znode) => survey.add(znode),
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
  const { servers, service } = parseConnectString(connection.target)
  const addresses = service === undefined ? servers : await runtime.network.service(service)
  const tls = await tlsOf(connection)
  const asked = addresses.map((address) => ({
    address,
    ask: (word: string) => askWord(runtime, address, word, { tls }),
    pages: pagesOf(address),
    connect: () => connect(address, { ...connection.options, signal, log: silentLog }),
  }))
  const { findings, znodes } = await diagnose(asked, {
    now: () => runtime.clock.wall(),
    znodesMax: values.znodes,
    frameBytes: values['frame-bytes'],
    signal,
  })
  return {
    findings,
    looked: `${addresses.length === 1 ? 'one server' : `${addresses.length} servers`}, ${znodes} znodes`,
  }
}

async function tlsOf({ options }: Connection): Promise<TlsOptions | undefined> {
  const { tls } = options
  if (tls === undefined || tls === false) return undefined
  if (tls === true) return {}
  return typeof tls === 'function' ? await tls() : tls
}

const pagesTimeoutMs = 5_000

/** At the usual port of its host: pages of another server are recognised, and not used. */
function pagesOf(address: string): AdminPages {
  const host = address.slice(0, address.lastIndexOf(':'))
  return new AdminPages(
    async (target, headers) => {
      const reply = await fetch(`http://${host}:8080${target}`, {
        headers,
        signal: AbortSignal.timeout(pagesTimeoutMs),
      })
      return { status: reply.status, body: new Uint8Array(await reply.arrayBuffer()) }
    },
    { name: host },
  )
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
