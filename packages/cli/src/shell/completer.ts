/** Completion for readline: verbs and options from the table, paths from the server. */
import type { Client, ZnodePath } from '@lightkeeper/client'
import { joinPath } from '@lightkeeper/protocol'
import {
  type Completes,
  type Completion,
  type CompletionVerb,
  commonStart,
  completionAt,
  offersFor,
  quoted,
  resolvePath,
} from '@lightkeeper/tools'
import type { Kind, Spec } from '../command.ts'
import { newZnodePath, znodePath } from '../kinds.ts'
import { optionsOf } from '../parse.ts'
import type { Shell } from './shell.ts'

/** What may be offered in one list. */
const shownMax = 100
/** A list that takes longer is not waited for, milliseconds. */
const patienceMs = 2000

/** The offers, and the text before the cursor that they replace. */
type Offers = [offers: string[], replaced: string]

/** Completes the line, which ends at the cursor. Never rejects. */
export async function complete(shell: Shell, line: string): Promise<Offers> {
  const verbs = shell.verbs.flatMap(({ spec }) => [spec.name, ...(spec.aliases ?? [])].map((name) => rowOf(name, spec)))
  const found = completionAt(line, verbs)
  if (found === undefined) return [[], line]
  const { completes, typed, raw } = found
  if (completes === 'path') return [await pathOffers(shell, found).catch(() => []), raw]
  if (completes === 'file') return [[], raw]
  const words = completes === 'verb' ? shell.verbs.map(({ spec }) => spec.name) : completes
  return [closed(offersFor(typed, words)), raw]
}

/** A space behind the only offer. */
function closed(offers: string[]): string[] {
  return offers.length === 1 ? [`${offers[0]} `] : offers
}

function rowOf(name: string, spec: Spec): CompletionVerb {
  const args = Object.entries(spec.arguments ?? {})
  return {
    name,
    options: [...optionsOf(spec, { isShell: true })].map(([option, { short, value, kind }]) => ({
      name: option,
      short,
      ...(value !== undefined && { value: { completes: completesOf(kind) } }),
    })),
    arguments: args.map(([key, { kind }]) => (key === 'verb' ? 'verb' : completesOf(kind))),
    isLastMany: args.at(-1)?.[1].isMany === true,
  }
}

function completesOf(kind: Kind<unknown> | undefined): Completes {
  if (kind === znodePath || kind === newZnodePath) return 'path'
  const { complete } = kind ?? {}
  if (complete === 'file' || complete === 'directory') return 'file'
  return typeof complete === 'string' ? undefined : complete
}

async function pathOffers(shell: Shell, { typed, quote }: Completion): Promise<string[]> {
  const { known } = shell
  if (known === undefined) return []
  const zk = await known
  if (zk.state.kind !== 'connected') return []
  const at = typed.lastIndexOf('/') + 1
  const folder = typed.slice(0, at)
  const parent = folder === '' ? shell.here : resolvePath(shell.here, folder)
  const names = offersFor(typed.slice(at), await childrenOf(zk, parent))
  const texts = names.map((name) => textOf(`${folder}${name}`, quote)).filter((text) => text !== undefined)
  const [only] = texts
  if (texts.length === 1 && only !== undefined)
    return [await endOf(zk, joinPath(parent, names[0] as string), only, quote)]
  const start = commonStart(texts)
  // Readline lists all offers, so first only what they share.
  if (start.length > textLength(typed, quote)) return [start]
  if (texts.length <= shownMax) return texts
  return [...texts.slice(0, shownMax), `(${texts.length - shownMax} more)`]
}

function textLength(typed: string, quote: string | undefined): number {
  return typed.length + (quote === undefined ? 0 : 1)
}

/** As it must stand in the line; undefined where the quote that is open cannot hold it. */
function textOf(path: string, quote: '"' | "'" | undefined): string | undefined {
  if (quote === undefined) {
    const text = quoted(path)
    return text.startsWith('"') || text.startsWith("'") ? text.slice(0, -1) : text
  }
  if (quote === "'") return path.includes("'") ? undefined : `'${path}`
  return `"${path.replace(/["\\]/g, '\\$&')}`
}

/** The only offer goes on with its children, or is complete. */
async function endOf(zk: Client, path: ZnodePath, text: string, quote: string | undefined): Promise<string> {
  const children = await childrenOf(zk, path).catch(() => [])
  if (children.length > 0) return `${text}/`
  const opened = quote ?? (/^["']/.test(text) ? text[0] : undefined)
  return `${text}${opened ?? ''} `
}

async function childrenOf(zk: Client, path: ZnodePath): Promise<readonly string[]> {
  const { children } = await zk.children(path, { timeout: patienceMs })
  return children
}
