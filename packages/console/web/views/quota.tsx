/** The quota of a znode: what it and all below it use, and the limits, with an editor for them. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Quota } from '../../src/api.ts'
import { ApiProblem, write } from '../lib/api.ts'
import { type QuotaDraft, type QuotaField, useDraft } from '../lib/drafts.ts'
import { emit } from '../lib/news.ts'
import { ProblemNote, Scroll } from '../parts/bits.tsx'
import { Conflict } from '../parts/conflict.tsx'

interface Props {
  readonly path: string
  readonly quota: Quota
  readonly allowsWrites: boolean
  onSaved(): void
}

const rows = [
  { unit: 'znodes', name: 'Znodes' },
  { unit: 'bytes', name: 'Bytes' },
] as const
const sides = [
  { side: 'soft', name: 'A warning above' },
  { side: 'hard', name: 'Refused above' },
] as const

export function QuotaPanel({ path, quota, allowsWrites, onSaved }: Props): JSX.Element | null {
  const { draft, edit: keep, settle } = useDraft('quota', path)
  const [problem, setProblem] = useState<ApiProblem>()
  const [saved, setSaved] = useState('')
  const { version } = quota
  const hasNone = version === undefined
  const edit = (next: QuotaDraft | undefined): void => {
    keep(next)
    setSaved('')
  }
  if (hasNone && !allowsWrites) return null
  if (hasNone && draft === undefined) {
    return (
      <section class="panel">
        <h2>Quota</h2>
        <p class="line">
          <span>It has no quota of its own.</span>
          <button type="button" onClick={() => edit({ fields: fieldsOf(quota) })}>
            Set a quota
          </button>
          <Saved text={saved} />
        </p>
      </section>
    )
  }
  const fields = draft?.fields ?? fieldsOf(quota)
  const isBehind = draft !== undefined && draft.version !== version
  const wrong = Object.values(fields).find((each) => !/^\d{0,15}$/.test(each.trim()))
  const save = async (expected: number | undefined): Promise<void> => {
    if (draft === undefined) return
    setProblem(undefined)
    try {
      const body = { path, ...limitsOf(fields), version: expected }
      const { version: written } = await write<Pick<Quota, 'version'>>('PUT', '/api/quota', body)
      settle(draft, (newer) => draftFrom(newer.fields, written))
      setSaved('Saved.')
      emit('written')
    } catch (error) {
      if (error instanceof ApiProblem) setProblem(error)
    }
    onSaved()
  }
  return (
    <section class="panel">
      <h2>Quota</h2>
      <Scroll label="Limits">
        <table class="facts">
          <thead>
            <tr>
              <th scope="col">It and all below</th>
              <th scope="col">In use</th>
              {sides.map(({ side, name }) => (
                <th scope="col" key={side}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ unit, name }) => (
              <tr key={unit}>
                <th scope="row">{name}</th>
                <td>{shown(quota.used[unit], 'not counted')}</td>
                {sides.map(({ side, name: meaning }) => (
                  <td key={side}>
                    {allowsWrites ? (
                      <input
                        aria-label={`${name}: ${meaning.toLowerCase()}`}
                        inputMode="numeric"
                        placeholder="no limit"
                        size={12}
                        value={fields[`${side} ${unit}`]}
                        onInput={(event) => {
                          const next = { ...fields, [`${side} ${unit}`]: event.currentTarget.value }
                          edit(draftFrom(next, draft === undefined ? version : draft.version))
                        }}
                      />
                    ) : (
                      shown(quota[side][unit], 'no limit')
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {isOver(quota) ? <p class="note bad">It holds more than its quota.</p> : null}
      <p class="quiet">
        A server always logs a warning. It refuses writes only where its setting enforceQuota is on. An empty field is
        no limit; without any limit there is no quota.
      </p>
      {wrong === undefined ? null : <p class="note">{wrong} is no whole number.</p>}
      {isBehind ? (
        <Conflict
          said="Another client changed this quota while you edited it. What you typed is kept, and nothing of it was saved. It is now:"
          cannotSave={wrong !== undefined}
          save={() => save(version)}
          drop={() => edit(undefined)}
        >
          <ul>
            {sentencesOf(quota).map((each) => (
              <li key={each}>{each}</li>
            ))}
          </ul>
        </Conflict>
      ) : null}
      {isBehind && problem?.code === 'BAD_VERSION' ? null : <ProblemNote problem={problem} />}
      {allowsWrites ? (
        <p class="line">
          <button
            type="button"
            class="main"
            disabled={draft === undefined || wrong !== undefined || isBehind}
            onClick={() => void save(version)}
          >
            Save quota
          </button>
          <button type="button" disabled={draft === undefined} onClick={() => edit(undefined)}>
            Drop my changes
          </button>
          <Saved text={saved} />
        </p>
      ) : null}
    </section>
  )
}

function Saved({ text }: { readonly text: string }): JSX.Element {
  return (
    <span class="quiet" role="status">
      {text}
    </span>
  )
}

function draftFrom(fields: QuotaDraft['fields'], version: number | undefined): QuotaDraft {
  return { fields, ...(version !== undefined && { version }) }
}

function fieldsOf(quota: Quota): QuotaDraft['fields'] {
  const text = (side: 'soft' | 'hard', unit: 'znodes' | 'bytes'): string => `${quota[side][unit] ?? ''}`
  return {
    'soft znodes': text('soft', 'znodes'),
    'soft bytes': text('soft', 'bytes'),
    'hard znodes': text('hard', 'znodes'),
    'hard bytes': text('hard', 'bytes'),
  }
}

function limitsOf(fields: QuotaDraft['fields']): Pick<Quota, 'soft' | 'hard'> {
  const of = (side: 'soft' | 'hard'): Quota['soft'] =>
    Object.fromEntries(
      rows
        .map(({ unit }) => [unit, fields[`${side} ${unit}` satisfies QuotaField].trim()] as const)
        .filter(([, text]) => text !== '')
        .map(([unit, text]) => [unit, Number(text)]),
    )
  return { soft: of('soft'), hard: of('hard') }
}

function shown(value: number | undefined, none: string): string {
  return value?.toLocaleString('en') ?? none
}

function isOver({ soft, hard, used }: Quota): boolean {
  return rows.some(({ unit }) =>
    [soft[unit], hard[unit]].some((limit) => limit !== undefined && (used[unit] ?? 0) > limit),
  )
}

function sentencesOf(quota: Quota): string[] {
  if (quota.version === undefined) return ['No quota at all.']
  return rows.map(
    ({ unit, name }) =>
      `${name}: ${sides.map(({ side, name: meaning }) => `${meaning.toLowerCase()} ${shown(quota[side][unit], 'no limit')}`).join(', ')}.`,
  )
}
