/** The dialogs that create a child and delete a znode. */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Znode } from '../../src/api.ts'
import { ApiProblem, address, write } from '../lib/api.ts'
import { base64Of } from '../lib/bytes.ts'
import { useLoad } from '../lib/load.ts'
import { go } from '../lib/location.ts'
import { emit } from '../lib/news.ts'
import { childPath, parentOf } from '../lib/tree-model.ts'
import { useWrite } from '../lib/use-write.ts'
import { Dialog, ProblemNote } from '../parts/bits.tsx'

export function CreateDialog({
  parent,
  onClose,
}: {
  readonly parent: string
  readonly onClose: () => void
}): JSX.Element {
  const [problem, setProblem] = useState<ApiProblem>()
  const [kind, setKind] = useState('persistent')
  const create = async (form: FormData): Promise<void> => {
    const field = (name: string): string => {
      const value = form.get(name)
      return typeof value === 'string' ? value : ''
    }
    setProblem(undefined)
    try {
      const { path } = await write<{ readonly path: string }>('POST', '/api/znode', {
        path: childPath(parent, field('name')),
        data: base64Of(new TextEncoder().encode(field('data'))),
        mode: kind,
        ...(kind === 'ttl' && { ttl: Number(field('ttl')) }),
        sequential: form.get('sequential') !== null,
      })
      emit('written')
      onClose()
      go('tree', { path })
    } catch (error) {
      if (error instanceof ApiProblem) setProblem(error)
    }
  }
  return (
    <Dialog title={`Create a child of ${parent}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void create(new FormData(event.currentTarget))
        }}
      >
        <label class="field">
          Name <input name="name" required pattern="[^\/]+" title="a name without /" spellcheck={false} autofocus />
        </label>
        <label class="field">
          Data <textarea name="data" rows={4} spellcheck={false} />
        </label>
        <label class="field">
          Kind{' '}
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
            <option value="persistent">persistent</option>
            <option value="container">container</option>
            <option value="ttl">ttl</option>
          </select>
        </label>
        {kind === 'ttl' ? (
          <label class="field">
            Milliseconds without a write <input name="ttl" type="number" min={1} required />
          </label>
        ) : null}
        <label>
          <input type="checkbox" name="sequential" /> with a number behind its name
        </label>
        <ProblemNote problem={problem} />
        <p class="line">
          <button type="submit" class="main">
            Create
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </p>
      </form>
    </Dialog>
  )
}

export function DeleteDialog({ znode, onClose }: { readonly znode: Znode; readonly onClose: () => void }): JSX.Element {
  const { path, stat } = znode
  const hasChildren = stat.numChildren > 0
  const { value: below } = useLoad<{ readonly znodes: number }>(
    hasChildren ? address('/api/below', { path }) : undefined,
  )
  const { failed, send } = useWrite(() => {
    onClose()
    go('tree', { path: parentOf(path) })
  })
  const remove = (): Promise<void> =>
    send('DELETE', '/api/znode', { path, version: stat.version, recursive: hasChildren })
  return (
    <Dialog title={`Delete ${path}?`} onClose={onClose}>
      <p>
        {hasChildren
          ? `It goes with everything below it: ${below === undefined ? '…' : below.znodes.toLocaleString('en')} znodes. This is not one transaction: where it fails halfway, the rest stays.`
          : 'It has no children.'}{' '}
        It is deleted only if it still has version {stat.version}.
      </p>
      <ProblemNote problem={failed} />
      <p class="line">
        <button type="button" class="danger" onClick={() => void remove()}>
          Delete{hasChildren && below !== undefined ? ` ${(below.znodes + 1).toLocaleString('en')} znodes` : ''}
        </button>
        <button type="button" onClick={onClose} autofocus>
          Cancel
        </button>
      </p>
    </Dialog>
  )
}
