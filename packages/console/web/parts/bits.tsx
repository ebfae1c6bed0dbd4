/** Small parts that every view uses. */
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import type { ApiProblem } from '../lib/api.ts'
import { go, placeOf } from '../lib/location.ts'

interface LinkProps {
  readonly view: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly current?: boolean
  readonly class?: string
  readonly children: ComponentChildren
}

/** A link to a view: a real address, so that it can be copied and opened elsewhere. */
export function Link({ view, query, current, children, ...rest }: LinkProps): JSX.Element {
  return (
    <a
      href={placeOf(view, query)}
      class={rest.class}
      aria-current={current ? 'page' : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
        event.preventDefault()
        go(view, query)
      }}
    >
      {children}
    </a>
  )
}

export function ZnodeLink({ path }: { readonly path: string }): JSX.Element {
  return (
    <Link view="tree" query={{ path }} class="path">
      {path}
    </Link>
  )
}

export function ProblemNote({
  problem,
  isOld = false,
}: {
  readonly problem: ApiProblem | undefined
  readonly isOld?: boolean
}): JSX.Element | null {
  if (problem === undefined) return null
  return (
    <p class="note bad" role="alert">
      {problem.message}
      {isOld ? ' What you see is from before.' : ''}
    </p>
  )
}

/** What may be wider than the screen; keys scroll it too. */
export function Scroll({
  label,
  children,
}: {
  readonly label: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <section class="scroll" aria-label={label} tabIndex={0}>
      {children}
    </section>
  )
}

/** A time as people on call read it: how long ago, and the exact time on demand. */
export function Ago({ at }: { readonly at: number }): JSX.Element {
  const date = new Date(at)
  const isValid = !Number.isNaN(date.getTime())
  return (
    <time dateTime={isValid ? date.toISOString() : undefined} title={isValid ? date.toISOString() : undefined}>
      {isValid ? agoOf(Date.now() - at) : `${at}`}
    </time>
  )
}

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

export function agoOf(ms: number): string {
  for (const [name, length] of units) {
    const count = Math.floor(ms / length)
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`
  }
  return 'just now'
}

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  /** Escape does not close it. Default false. */
  readonly staysOpen?: boolean
  readonly children: ComponentChildren
}

/** A dialog over the page; Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, onClose, staysOpen = false, children }: DialogProps): JSX.Element {
  const own = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    own.current?.showModal()
  }, [])
  return (
    <dialog ref={own} onClose={onClose} onCancel={(event) => staysOpen && event.preventDefault()} aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  )
}

/** A view's head: its name, what it is for, and what one can set. */
export function ViewHead({
  title,
  about,
  children,
}: {
  readonly title: string
  readonly about: string
  readonly children?: ComponentChildren
}): JSX.Element {
  return (
    <header class="view-head">
      <h1>{title}</h1>
      <p>{about}</p>
      {children}
    </header>
  )
}

/** A field for a path, which the address of the page keeps. */
export function PathField({
  view,
  path,
  label,
}: {
  readonly view: string
  readonly path: string
  readonly label: string
}): JSX.Element {
  return (
    <form
      class="line"
      onSubmit={(event) => {
        event.preventDefault()
        const given = new FormData(event.currentTarget).get('path')
        if (typeof given === 'string' && given.startsWith('/')) go(view, { path: given })
      }}
    >
      <label>
        {label}{' '}
        <input
          name="path"
          key={path}
          defaultValue={path}
          spellcheck={false}
          pattern="/.*"
          title="a path that begins with /"
          size={30}
        />
      </label>
      <button type="submit">Show</button>
    </form>
  )
}

const products: Readonly<Record<string, string>> = { curator: 'Curator', spring: 'Spring Cloud', dubbo: 'Dubbo' }

/** The project that a layout or a format comes from, as it writes its own name. */
export function productOf(name: string): string {
  return products[name] ?? name
}
