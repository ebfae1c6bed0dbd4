/** Locks, elections, queues and the like below a path, as pictures of who holds and who waits. */
import type { JSX } from 'preact'
import type { PartyItem, StructureItem, Structures } from '../../src/api.ts'
import { address } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { nameOf } from '../lib/tree-model.ts'
import { Ago, Link, PathField, ProblemNote, productOf, ViewHead, ZnodeLink } from '../parts/bits.tsx'

/** What those who hold it are called, by its kind. */
const holding: Readonly<Record<string, string>> = {
  election: 'leads',
  queue: 'is worked on',
  'priority queue': 'is worked on',
  'delay queue': 'is worked on',
  'double barrier': 'is inside',
  partitioner: 'has a share',
  group: 'is a member',
}

export function RecipesView({ path }: { readonly path: string }): JSX.Element {
  const { value, problem } = useLoad<Structures>(address('/api/structures', { path }), 2_000)
  const structures = value?.structures.filter(({ kind }) => kind !== 'service') ?? []
  return (
    <article class="view">
      <ViewHead
        title="Recipes"
        about="Locks, elections, queues and barriers, recognised by the names of their znodes: who holds, and who waits."
      >
        <PathField view="recipes" path={path} label="Below" />
      </ViewHead>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value?.circles.map((circle, i) => (
        <div key={i} class="note bad" role="alert">
          These sessions wait for each other, and none can go on:
          <ul>
            {circle.map((edge) => (
              <li key={edge.session}>
                <SessionLink id={edge.session} /> waits at <ZnodeLink path={edge.waitsAt} /> for{' '}
                <SessionLink id={edge.holder} />
              </li>
            ))}
          </ul>
        </div>
      ))}
      {value !== undefined && value.unreadable > 0 ? (
        <p class="note">{value.unreadable} znodes may not be read by the console; something may be missing.</p>
      ) : null}
      {value === undefined && problem === undefined ? <p class="quiet">Reading…</p> : null}
      {value !== undefined && structures.length === 0 ? (
        <p class="quiet">
          No recipe is in use below {path}. A lock that nobody holds or waits for has no znodes, so it cannot be seen.
        </p>
      ) : null}
      {structures.map((each) => (
        <StructurePicture key={`${each.kind} ${each.path}`} structure={each} />
      ))}
    </article>
  )
}

export function SessionLink({ id }: { readonly id: string }): JSX.Element {
  return (
    <Link view="sessions" query={{ session: id }} class="path">
      {id}
    </Link>
  )
}

/** Parties that one picture shows of each side. */
const partiesMax = 30

function StructurePicture({ structure }: { readonly structure: StructureItem }): JSX.Element {
  const { kind, path, layouts, holders, waiters, capacity, items, notes } = structure
  return (
    <section class="panel structure" aria-label={`${kind} at ${path}`}>
      <h2>
        {kind} <ZnodeLink path={path} />
      </h2>
      <p class="quiet">
        {layouts.length > 0 ? `Layout of ${layouts.map(productOf).join(', ')}` : ''}
        {capacity === undefined ? '' : `; ${holders.length} of ${capacity} leases are held`}
        {items === undefined ? '' : `; ${items} items`}
      </p>
      <div class="picture">
        <div class="holders">
          {holders.length === 0 ? (
            <p class="party empty">nobody</p>
          ) : (
            holders
              .slice(0, partiesMax)
              .map((each) => <PartyBox key={each.path} party={each} role={holding[kind] ?? 'holds'} isHolder />)
          )}
        </div>
        {waiters.length === 0 ? null : (
          <ol class="waiters" aria-label="Waiting, in order">
            {waiters.slice(0, partiesMax).map((each, i) => (
              <li key={each.path}>
                <span class="arrow" aria-hidden="true">
                  ←
                </span>
                <PartyBox party={each} role={`waits, place ${i + 1}`} />
              </li>
            ))}
          </ol>
        )}
      </div>
      {Math.max(holders.length, waiters.length) > partiesMax ? (
        <p class="quiet">
          {holders.length} hold and {waiters.length} wait; the first {partiesMax} are shown.
        </p>
      ) : null}
      {notes.map((each) => (
        <p key={each} class="note">
          {each}
        </p>
      ))}
    </section>
  )
}

function PartyBox({
  party,
  role,
  isHolder = false,
}: {
  readonly party: PartyItem
  readonly role: string
  readonly isHolder?: boolean
}): JSX.Element {
  const { path, session, since, id, side, item } = party
  return (
    <div class={`party${isHolder ? ' holder' : ''}`}>
      <strong>{id ?? nameOf(path)}</strong>
      <span>
        {role}
        {side === undefined ? '' : ` (${side})`}
        {item === undefined ? '' : `: ${item}`}
      </span>
      <span class="quiet">
        <Ago at={since} />
        {session === undefined ? null : (
          <>
            , session <SessionLink id={session} />
          </>
        )}
      </span>
    </div>
  )
}
