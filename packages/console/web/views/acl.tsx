/** Who may do what with a znode, in words, for a given identity, and changed by an editor. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { AclEntry, Stat } from '../../src/api.ts'
import { allowedTo, permissions, pitfallsOf, sentenceOf } from '../../src/explain/acl.ts'
import { ApiProblem, write } from '../lib/api.ts'
import { useDraft } from '../lib/drafts.ts'
import { emit } from '../lib/news.ts'
import { ProblemNote, Scroll } from '../parts/bits.tsx'
import { Conflict } from '../parts/conflict.tsx'

interface Props {
  readonly path: string
  /** Undefined where the console may not read it. */
  readonly acl: readonly AclEntry[] | undefined
  readonly aversion: number
  readonly allowsWrites: boolean
  onSaved(): void
}

export function AclPanel({ path, acl, aversion, allowsWrites, onSaved }: Props): JSX.Element {
  const { draft: edited, edit: setEdited, settle } = useDraft('acl', path)
  const [identity, setIdentity] = useState('')
  const [problem, setProblem] = useState<ApiProblem>()
  if (acl === undefined) {
    return (
      <section class="panel">
        <h2>Permissions</h2>
        <p>The console may not read who may do what here.</p>
      </section>
    )
  }
  const shown = edited?.acl ?? acl
  const change = (i: number, next: AclEntry | undefined): void => {
    const list = shown.flatMap((each, at) => (at !== i ? [each] : next === undefined ? [] : [next]))
    setEdited({ acl: list, aversion: edited?.aversion ?? aversion })
  }
  const isBehind = edited !== undefined && edited.aversion !== aversion
  const save = async (version: number): Promise<void> => {
    if (edited === undefined) return
    setProblem(undefined)
    try {
      const { stat } = await write<{ readonly stat: Stat }>('PUT', '/api/acl', {
        path,
        acl: edited.acl,
        aversion: version,
      })
      settle(edited, (newer) => ({ ...newer, aversion: stat.aversion }))
      emit('written')
    } catch (error) {
      if (error instanceof ApiProblem) setProblem(error)
    }
    onSaved()
  }
  const may = identity === '' ? '' : allowedTo(shown, [identity])
  return (
    <section class="panel">
      <h2>Permissions</h2>
      <Scroll label="Entries">
        <table class="facts acl">
          <thead>
            <tr>
              <th scope="col">Who</th>
              {permissions.map(({ letter, name, meaning }) => (
                <th scope="col" key={letter} title={meaning}>
                  {name}
                </th>
              ))}
              {allowsWrites ? <th scope="col">Remove</th> : null}
            </tr>
          </thead>
          <tbody>
            {shown.map((entry, i) => (
              <tr key={i}>
                <td>
                  {allowsWrites ? (
                    <input
                      aria-label={`Entry ${i + 1}, scheme:id`}
                      value={`${entry.scheme}:${entry.id}`}
                      size={26}
                      onInput={(event) => {
                        const [scheme = '', ...id] = event.currentTarget.value.split(':')
                        change(i, { ...entry, scheme, id: id.join(':') })
                      }}
                    />
                  ) : (
                    <code>
                      {entry.scheme}:{entry.id}
                    </code>
                  )}
                </td>
                {permissions.map(({ letter, name }) => (
                  <td key={letter}>
                    <input
                      type="checkbox"
                      aria-label={`Entry ${i + 1} may ${name}`}
                      checked={entry.perms.includes(letter)}
                      disabled={!allowsWrites}
                      onChange={(event) => {
                        const has = event.currentTarget.checked
                        const perms = permissions
                          .map((each) => each.letter)
                          .filter((each) => (each === letter ? has : entry.perms.includes(each)))
                        change(i, { ...entry, perms: perms.join('') })
                      }}
                    />
                  </td>
                ))}
                {allowsWrites ? (
                  <td>
                    <button type="button" aria-label={`Remove entry ${i + 1}`} onClick={() => change(i, undefined)}>
                      ×
                    </button>
                  </td>
                ) : null}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <ul>
        {shown.map((entry, i) => (
          <li key={i}>{sentenceOf(entry)}</li>
        ))}
      </ul>
      <ul class="quiet">
        {pitfallsOf(shown).map((each) => (
          <li key={each}>{each}</li>
        ))}
      </ul>
      <p class="line">
        <label>
          What may{' '}
          <input
            placeholder="digest:ann, ip:10.0.0.7"
            value={identity}
            onInput={(event) => setIdentity(event.currentTarget.value.trim())}
          />
        </label>
        <span role="status">
          {identity === ''
            ? 'do here?'
            : may === ''
              ? 'do here? Nothing.'
              : `do here? ${permissions
                  .filter(({ letter }) => may.includes(letter))
                  .map(({ meaning }) => meaning)
                  .join(', ')}.`}
        </span>
      </p>
      {isBehind ? (
        <Conflict
          said="Another client changed this list while you edited it. Your changes are kept, and nothing of them was saved. It is now:"
          save={() => save(aversion)}
          drop={() => setEdited(undefined)}
        >
          <ul>
            {acl.map((entry, i) => (
              <li key={i}>{sentenceOf(entry)}</li>
            ))}
          </ul>
        </Conflict>
      ) : null}
      {isBehind && problem?.code === 'BAD_VERSION' ? null : <ProblemNote problem={problem} />}
      {allowsWrites ? (
        <p class="line">
          <button
            type="button"
            onClick={() =>
              setEdited({
                acl: [...shown, { perms: 'r', scheme: 'world', id: 'anyone' }],
                aversion: edited?.aversion ?? aversion,
              })
            }
          >
            Add an entry
          </button>
          <button
            type="button"
            class="main"
            disabled={edited === undefined || isBehind}
            onClick={() => void save(aversion)}
          >
            Save permissions
          </button>
          <button type="button" disabled={edited === undefined} onClick={() => setEdited(undefined)}>
            Drop my changes
          </button>
        </p>
      ) : null}
    </section>
  )
}
