/** One znode: data with an editor, its Stat explained, who may do what, and what can be done with it. */
import { Fragment, type JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Ephemerals, Stat, Znode } from '../../src/api.ts'
import { type ApiProblem, address } from '../lib/api.ts'
import { useLoad } from '../lib/load.ts'
import { lineTo, nameOf } from '../lib/tree-model.ts'
import { Ago, Link, ProblemNote, ZnodeLink } from '../parts/bits.tsx'
import { AclPanel } from './acl.tsx'
import { CreateDialog, DeleteDialog } from './create-delete.tsx'
import { DataPanel } from './data.tsx'
import { QuotaPanel } from './quota.tsx'

interface Props {
  readonly path: string
  readonly allowsWrites: boolean
  readonly hasPast: boolean
  /** Grows with each change of the znode. */
  readonly news: number
}

export function ZnodeView({ path, allowsWrites, hasPast, news }: Props): JSX.Element {
  const { value: read, problem, reload } = useLoad<Znode>(address('/api/znode', { path }))
  const [asked, setAsked] = useState<'create' | 'delete'>()
  // The last one that was read: what was typed belongs to it, also when it is gone.
  const [last, setLast] = useState<Znode>()
  useEffect(() => {
    if (read !== undefined) setLast(read)
  }, [read])
  useEffect(() => {
    if (news > 0) reload()
  }, [news, reload])
  const znode = read ?? last
  const isGone = problem?.code === 'NO_NODE'
  return (
    <>
      <Crumbs path={path} />
      {isGone && znode !== undefined ? (
        <p class="note bad" role="alert">
          {path} was deleted. What you see is what it held last; what you typed is kept.
        </p>
      ) : (
        <ProblemNote problem={problem as ApiProblem | undefined} isOld={znode !== undefined} />
      )}
      {znode === undefined ? (
        problem === undefined ? (
          <p class="quiet">Reading {path}…</p>
        ) : null
      ) : (
        <>
          <p class="actions">
            {allowsWrites && znode.stat.kind !== 'ephemeral' ? (
              <button type="button" onClick={() => setAsked('create')}>
                Create a child
              </button>
            ) : null}
            {allowsWrites && path !== '/' && !isGone ? (
              <button type="button" onClick={() => setAsked('delete')}>
                Delete
              </button>
            ) : null}
            <Link view="changes" query={{ path }} class="button">
              Live changes
            </Link>
            {hasPast ? (
              <Link view="past" query={{ path }} class="button">
                History
              </Link>
            ) : null}
          </p>
          <DataPanel path={path} znode={znode} isGone={isGone} allowsWrites={allowsWrites} onSaved={reload} />
          <StatPanel stat={znode.stat} />
          {znode.quota === undefined ? null : (
            <QuotaPanel
              path={path}
              quota={znode.quota}
              allowsWrites={allowsWrites && !isGone && znode.stat.kind !== 'ephemeral'}
              onSaved={reload}
            />
          )}
          <EphemeralsPanel path={path} />
          <AclPanel
            path={path}
            acl={znode.acl}
            aversion={znode.stat.aversion}
            allowsWrites={allowsWrites && !isGone}
            onSaved={reload}
          />
        </>
      )}
      {asked === 'create' ? <CreateDialog parent={path} onClose={() => setAsked(undefined)} /> : null}
      {asked === 'delete' && znode !== undefined ? (
        <DeleteDialog znode={znode} onClose={() => setAsked(undefined)} />
      ) : null}
    </>
  )
}

function Crumbs({ path }: { readonly path: string }): JSX.Element {
  const line = lineTo(path)
  return (
    <nav aria-label="Path" class="crumbs">
      <h1>
        {line.map((each, i) => (
          <Fragment key={each}>
            {i > 1 ? '/' : ''}
            {i === line.length - 1 ? (
              <span aria-current="location">{nameOf(each) || '/'}</span>
            ) : (
              <Link view="tree" query={{ path: each }}>
                {nameOf(each) || '/'}
              </Link>
            )}
          </Fragment>
        ))}
      </h1>
    </nav>
  )
}

function StatPanel({ stat }: { readonly stat: Stat }): JSX.Element {
  const rows: readonly (readonly [name: string, value: JSX.Element | string, meaning: string])[] = [
    ['Kind', kindText(stat), kindMeaning(stat)],
    ['Version', `${stat.version}`, 'Writes of the data since its creation. A save expects this number.'],
    ['Written', <Ago at={stat.modified} />, `By transaction ${stat.mzxid} (mzxid).`],
    ['Created', <Ago at={stat.created} />, `By transaction ${stat.czxid} (czxid).`],
    [
      'Children',
      `${stat.numChildren}`,
      `Created or deleted ${stat.cversion} times (cversion), last by ${stat.pzxid} (pzxid).`,
    ],
    ['Data', `${stat.dataLength} bytes`, 'A server usually refuses more than one mebibyte.'],
    ['ACL version', `${stat.aversion}`, 'Writes of the list of permissions (aversion).'],
  ]
  return (
    <section class="panel">
      <h2>Stat</h2>
      <table class="facts">
        <tbody>
          {rows.map(([name, value, meaning]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{value}</td>
              <td class="quiet">{meaning}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {stat.owner === undefined ? null : (
        <p>
          It belongs to the session{' '}
          <Link view="sessions" query={{ session: stat.owner }}>
            {stat.owner}
          </Link>
          .
        </p>
      )}
    </section>
  )
}

/** Asked only when somebody opens it: servers answer with all their sessions. */
function EphemeralsPanel({ path }: { readonly path: string }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const { value, problem } = useLoad<Ephemerals>(isOpen ? address('/api/ephemerals', { path }) : undefined)
  return (
    <details class="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Ephemerals at and below it</summary>
      <ProblemNote problem={problem} isOld={value !== undefined} />
      {value === undefined && problem === undefined ? <p class="quiet">Asking the servers…</p> : null}
      {value?.problems.map((each) => (
        <p key={each} class="note">
          {each}.
        </p>
      ))}
      {value?.ephemerals.length === 0 ? <p class="quiet">The servers name none.</p> : null}
      <ul>
        {value?.ephemerals.map((each) => (
          <li key={each.path}>
            <ZnodeLink path={each.path} />, of session{' '}
            <Link view="sessions" query={{ session: each.session }} class="path">
              {each.session}
            </Link>
            {each.address === undefined ? ', whose client is not connected' : ` at ${each.address}`}
          </li>
        ))}
      </ul>
      {value !== undefined && value.leftOut > 0 ? <p class="quiet">…and {value.leftOut} more.</p> : null}
    </details>
  )
}

function kindText({ kind, ttl }: Stat): string {
  return ttl === undefined ? kind : `${kind} of ${ttl} ms`
}

function kindMeaning({ kind }: Stat): string {
  switch (kind) {
    case 'persistent':
      return 'It stays until a client deletes it.'
    case 'ephemeral':
      return 'It is deleted when the session that created it ends. It cannot have children.'
    case 'container':
      return 'The server deletes it some time after its last child is gone.'
    case 'ttl':
      return 'The server deletes it when it has no children and was not written for this time.'
  }
}
