/** Verbs that read a subtree: `du`, `find`, `grep`, `getAllChildrenNumber`. */
import {
  type FindConditions,
  grepLines,
  isFound,
  textPattern,
  usageOf,
  viewValue,
  walkSubtree,
} from '@lightkeeper/tools'
import { UsageError } from '../../command.ts'
import { printable } from '../../output.ts'
import type {
  getAllChildrenNumber as countSpec,
  du as duSpec,
  find as findSpec,
  grep as grepSpec,
} from '../../table/shell-read.ts'
import { kindText, timeText } from '../stat-text.ts'
import type { Verb } from '../verb.ts'
import { Denials } from './denials.ts'

export const du: Verb<typeof duSpec> = async ({ values, args, here, out, signal, connect }) => {
  const zk = await connect()
  const denials = new Denials()
  const znodes = denials.readable(walkSubtree(zk, args.path ?? here, { signal }))
  for await (const { path, bytes, znodes: count } of usageOf(znodes, values.depth)) {
    out.result(
      { path, bytes, znodes: count },
      `${`${bytes}`.padStart(10)} ${`${count}`.padStart(8)} ${printable(path)}`,
    )
  }
  return denials.report(out)
}

export const find: Verb<typeof findSpec> = async ({ values, args, here, out, signal, connect }) => {
  const wanted = conditionsOf(values)
  const zk = await connect()
  const denials = new Denials()
  const withData = wanted.data !== undefined
  for await (const znode of denials.readable(walkSubtree(zk, args.path ?? here, { signal, withData }))) {
    if (!isFound(znode, wanted)) continue
    const { path, stat } = znode
    const words = [kindText(stat), `${stat.dataLength}`, `version=${stat.version}`, timeText(stat.modified)]
    out.result({ path, stat }, printable(values.long ? `${words.join(' ')} ${path}` : path))
  }
  return denials.report(out)
}

type FindValues = Parameters<typeof find>[0]['values']

function conditionsOf(values: FindValues): FindConditions {
  // Ages count from now; only the command line knows what time it is.
  const now = Date.now()
  const latest = [values.before, values.older === undefined ? undefined : new Date(now - values.older)]
  const earliest = [values.after, values.newer === undefined ? undefined : new Date(now - values.newer)]
  const timesOf = (times: readonly (Date | undefined)[]): number[] =>
    times.filter((each) => each !== undefined).map((each) => each.getTime())
  const before = timesOf(latest)
  const after = timesOf(earliest)
  const { name, path, data, type, owner, larger, smaller, children } = values
  return {
    ...(name !== undefined && { name }),
    ...(path !== undefined && { path }),
    ...(data !== undefined && { data }),
    ...(type !== undefined && { type }),
    ...(owner !== undefined && { owner }),
    ...(before.length > 0 && { before: new Date(Math.min(...before)) }),
    ...(after.length > 0 && { after: new Date(Math.max(...after)) }),
    ...(larger !== undefined && { bytesMin: larger + 1 }),
    ...(smaller !== undefined && { bytesMax: smaller - 1 }),
    ...(children !== undefined && { childrenMin: children }),
  }
}

export const grep: Verb<typeof grepSpec> = async ({ values, args, here, out, signal, connect }) => {
  const pattern = patternOf(args.pattern, { isFixed: values.fixed, isCaseless: values['ignore-case'] })
  const zk = await connect()
  const denials = new Denials()
  let isAny = false
  for await (const { path, data } of denials.readable(walkSubtree(zk, args.path ?? here, { signal, withData: true }))) {
    const isNamed =
      values.name.length === 0 || values.name.some((glob) => glob.test(path.slice(path.lastIndexOf('/') + 1)))
    if (!isNamed) continue
    const hits = grepLines(data, pattern)
    if (hits.length === 0) continue
    isAny = true
    const isText = viewValue(data).kind === 'text'
    if (values.files) out.result({ path }, printable(path))
    else if (!isText) out.result({ path, binary: true }, printable(`${path}: matches, and is not text`))
    else for (const { line, text } of hits) out.result({ path, line, text }, printable(`${path}:${line}: ${text}`))
  }
  return denials.report(out) ?? (isAny ? undefined : 1)
}

function patternOf(text: string, how: Parameters<typeof textPattern>[1]): RegExp {
  try {
    return textPattern(text, how)
  } catch (error) {
    throw new UsageError(`PATTERN: ${(error as Error).message}`)
  }
}

export const getAllChildrenNumber: Verb<typeof countSpec> = async ({ args, here, out, signal, connect }) => {
  const path = args.path ?? here
  const zk = await connect()
  const count = await zk.countDescendants(path, { signal })
  out.result({ path, count }, String(count))
  return undefined
}
