/**
 * Whether a history of concurrent calls can be explained by some order of single steps, each between the call and its answer
 * (Wing and Gong's search, with Lowe's memory of what was tried). It knows nothing of zxids: only values, versions and errors. A call with
 * an unknown outcome may have its step at any time after the call, or never.
 */

/** A znode, or undefined where there is none. */
export type State = { readonly value: string; readonly version: number } | undefined
/** Znodes by path. */
export type Model = ReadonlyMap<string, State>

export type Refusal = 'NO_NODE' | 'NODE_EXISTS' | 'BAD_VERSION'

/** `version` is that which the znode must have; undefined for any. */
export type Step =
  | { readonly kind: 'create'; readonly path: string; readonly value: string }
  | { readonly kind: 'set'; readonly path: string; readonly value: string; readonly version?: number | undefined }
  | { readonly kind: 'delete'; readonly path: string; readonly version?: number | undefined }
  | { readonly kind: 'check'; readonly path: string; readonly version?: number | undefined }
  | { readonly kind: 'read'; readonly path: string }

/** What a call said. `state` is that of the znode after a create or set, or the one that was read. */
export type Answer =
  | { readonly kind: 'done'; readonly states: readonly State[] }
  /** The step `at` was refused, and none was executed. */
  | { readonly kind: 'refused'; readonly why: Refusal; readonly at: number }
  | { readonly kind: 'unknown' }

export interface Call {
  readonly client: number
  readonly steps: readonly Step[]
  /** Times of the call and of its answer: numbers that rise, each used once. */
  readonly from: number
  to: number
  answer: Answer
}

function refusalOf(state: State, step: Step): Refusal | undefined {
  if (step.kind === 'read') return undefined
  if (step.kind === 'create') return state === undefined ? undefined : 'NODE_EXISTS'
  if (state === undefined) return 'NO_NODE'
  return step.version === undefined || step.version === state.version ? undefined : 'BAD_VERSION'
}

function after(state: State, step: Step): State {
  switch (step.kind) {
    case 'create':
      return { value: step.value, version: 0 }
    case 'set':
      return { value: step.value, version: (state?.version ?? 0) + 1 }
    case 'delete':
      return undefined
    default:
      return state
  }
}

function isSame(a: State, b: State): boolean {
  return a === b || (a !== undefined && b !== undefined && a.value === b.value && a.version === b.version)
}

/** The model after the call; undefined where the answer would have been another one. */
function execute(model: Model, { steps, answer }: Call): Model | undefined {
  const next = new Map(model)
  for (const [i, step] of steps.entries()) {
    const state = next.get(step.path)
    const why = refusalOf(state, step)
    if (why !== undefined) {
      if (answer.kind === 'unknown') return model
      return answer.kind === 'refused' && answer.why === why && answer.at === i ? model : undefined
    }
    const changed = after(state, step)
    if (answer.kind === 'done' && step.kind !== 'check' && !isSame(changed, answer.states[i])) return undefined
    next.set(step.path, changed)
  }
  return answer.kind === 'refused' ? undefined : next
}

/** Calls that touch common paths, directly or through others, belong together; each such group is checked by itself. */
function groupsOf(calls: readonly Call[]): Call[][] {
  const parents = new Map<string, string>()
  const root = (path: string): string => {
    let at = path
    for (let next = parents.get(at); next !== undefined && next !== at; next = parents.get(at)) at = next
    return at
  }
  for (const { steps } of calls) {
    const [first] = steps
    for (const { path } of steps) {
      if (!parents.has(path)) parents.set(path, path)
      if (first !== undefined) parents.set(root(path), root(first.path))
    }
  }
  const groups = new Map<string, Call[]>()
  for (const call of calls) {
    const key = root(call.steps[0]?.path ?? '')
    const group = groups.get(key) ?? []
    group.push(call)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/**
 * What cannot be explained, as text; undefined where some order explains everything. `begin` has the znodes before the first call.
 * @throws Error where the search takes more than `stepsMax` steps.
 */
export function explain(calls: readonly Call[], begin: Model, stepsMax = 2_000_000): string | undefined {
  for (const group of groupsOf(calls)) {
    const problem = explainGroup(group, begin, stepsMax)
    if (problem !== undefined) return problem
  }
  return undefined
}

function explainGroup(group: readonly Call[], begin: Model, stepsMax: number): string | undefined {
  const calls = [...group].sort((a, b) => a.from - b.from)
  const ends = calls.map(({ to, answer }) => (answer.kind === 'unknown' ? Number.POSITIVE_INFINITY : to))
  const paths = [...new Set(calls.flatMap(({ steps }) => steps.map(({ path }) => path)))]
  const tried = new Set<string>()
  const isDone = calls.map(() => false)
  let left = ends.filter((end) => end !== Number.POSITIVE_INFINITY).length
  let steps = 0
  /** The furthest that the search came, for the report. */
  let most = { left: Number.POSITIVE_INFINITY, text: '' }
  const stack: { readonly at: number; readonly before: Model }[] = []
  let model: Model = begin
  let from = 0
  for (;;) {
    if (left === 0) return undefined
    // The answers that are still to be explained: nothing that was called after the first of them may come before it.
    let limit = Number.POSITIVE_INFINITY
    for (const [i, end] of ends.entries()) if (!isDone[i] && end < limit) limit = end
    let chosen: { readonly at: number; readonly next: Model } | undefined
    for (let i = from; i < calls.length && (calls[i] as Call).from < limit; i++) {
      if (isDone[i]) continue
      if (++steps > stepsMax) throw new Error(`the search takes more than ${stepsMax} steps for ${calls.length} calls`)
      const next = execute(model, calls[i] as Call)
      if (next === undefined) continue
      isDone[i] = true
      const key = `${keyOf(isDone)}|${paths.map((path) => textOf(next.get(path))).join(',')}`
      if (tried.has(key)) {
        isDone[i] = false
        continue
      }
      tried.add(key)
      chosen = { at: i, next }
      break
    }
    if (chosen !== undefined) {
      if (ends[chosen.at] !== Number.POSITIVE_INFINITY) left--
      stack.push({ at: chosen.at, before: model })
      model = chosen.next
      from = 0
      continue
    }
    if (left < most.left) {
      const open = calls.filter((call, i) => !isDone[i] && call.from < limit).map(show)
      const state = paths.map((path) => `${path} ${textOf(model.get(path))}`)
      most = { left, text: `with ${state.join(', ')} none of these can be next:\n${open.join('\n')}` }
    }
    const last = stack.pop()
    if (last === undefined) return most.text
    isDone[last.at] = false
    if (ends[last.at] !== Number.POSITIVE_INFINITY) left++
    model = last.before
    from = last.at + 1
  }
}

/** Which calls are done: all up to some number, and a few more. */
function keyOf(isDone: readonly boolean[]): string {
  let first = isDone.indexOf(false)
  if (first < 0) first = isDone.length
  const more: number[] = []
  for (let i = first + 1; i < isDone.length; i++) if (isDone[i]) more.push(i)
  return `${first}:${more.join(' ')}`
}

function textOf(state: State): string {
  return state === undefined ? 'missing' : `"${state.value}" v${state.version}`
}

export function show({ client, steps, from, to, answer }: Call): string {
  const asked = steps.map((step) => {
    const value = 'value' in step ? ` "${step.value}"` : ''
    const version = 'version' in step && step.version !== undefined ? ` if v${step.version}` : ''
    return `${step.kind} ${step.path}${value}${version}`
  })
  const told =
    answer.kind === 'unknown'
      ? 'unknown'
      : answer.kind === 'refused'
        ? `${answer.why} at ${answer.at}`
        : answer.states.map(textOf).join(', ')
  return `client ${client}: ${asked.join('; ')} → ${told} [${from}, ${answer.kind === 'unknown' ? '…' : to}]`
}
