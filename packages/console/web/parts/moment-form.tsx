/** A form that asks for one or more moments of the past. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { momentOf, momentText } from '../../src/explain/moment.ts'

interface Props {
  readonly fields: readonly { readonly name: string; readonly label: string; readonly value: string | undefined }[]
  readonly button: string
  /** Zxids, or milliseconds; undefined for a field that is empty. */
  onMoments(moments: readonly (string | undefined)[]): void
}

export function MomentForm({ fields, button, onMoments }: Props): JSX.Element {
  const [wrong, setWrong] = useState<string>()
  return (
    <form
      class="line"
      onSubmit={(event) => {
        event.preventDefault()
        const form = new FormData(event.currentTarget)
        const texts = fields.map(({ name }) => `${form.get(name) as string}`.trim())
        const moments = texts.map(momentOf)
        const bad = texts.find((_, i) => moments[i] === 'wrong')
        setWrong(bad)
        if (bad === undefined) onMoments(moments)
      }}
    >
      {fields.map(({ name, label, value }) => (
        <label key={name}>
          {label}{' '}
          <input
            name={name}
            defaultValue={momentText(value)}
            placeholder="0x1a or 2026-11-28 19:00"
            title="a zxid, or a time in UTC"
            size={24}
          />
        </label>
      ))}
      <button type="submit">{button}</button>
      {wrong === undefined ? null : (
        <span class="deleted" role="alert">
          {wrong} is no zxid like 0x1a and no time (UTC) like 2026-11-28 19:00.
        </span>
      )}
    </form>
  )
}
