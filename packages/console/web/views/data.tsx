/** The data of a znode: shown as text, JSON or hexadecimal digits, and saved only where nobody else wrote meanwhile. */
import { type ComponentType, type JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Stat, Znode } from '../../src/api.ts'
import { ApiProblem, write } from '../lib/api.ts'
import { base64Of, bytesOf, bytesOfHex, hexOf, prettyOf, textOf } from '../lib/bytes.ts'
import { type Form, useDraft } from '../lib/drafts.ts'
import { emit } from '../lib/news.ts'
import { ProblemNote } from '../parts/bits.tsx'
import { Conflict } from '../parts/conflict.tsx'

interface Props {
  readonly path: string
  readonly znode: Znode
  readonly isGone: boolean
  readonly allowsWrites: boolean
  onSaved(): void
}

type EditorType = ComponentType<{
  text: string
  isJson: boolean
  isReadOnly: boolean
  label: string
  onText(text: string): void
  onSave(): void
}>

/** The editor is a file of its own, so that the page appears before it has come. */
function useEditor(): EditorType | undefined {
  const [editor, setEditor] = useState<{ readonly type: EditorType }>()
  useEffect(() => {
    void import('../parts/editor.tsx').then((module) => setEditor({ type: module.default }))
  }, [])
  return editor?.type
}

export function DataPanel({ path, znode: read, isGone, allowsWrites, onSaved }: Props): JSX.Element {
  // What was saved counts until the znode is read again: an older value must not come back meanwhile.
  const [written, setWritten] = useState<{ readonly before: string; readonly data: string; readonly stat: Stat }>()
  const znode = written?.before === read.stat.mzxid ? { ...read, data: written.data, stat: written.stat } : read
  const Editor = useEditor()
  const bytes = useMemo(() => bytesOf(znode.data), [znode.data])
  const text = useMemo(() => textOf(bytes), [bytes])
  const pretty = useMemo(() => prettyOf(text), [text])
  const { draft, edit, settle } = useDraft('data', path)
  const [form, setForm] = useState<Form>(
    draft?.form ?? (text === undefined ? 'hex' : pretty === undefined ? 'text' : 'json'),
  )
  const [problem, setProblem] = useState<ApiProblem>()
  const [saved, setSaved] = useState('')
  const shown: Readonly<Record<Form, string | undefined>> = { text, json: pretty, hex: hexOf(bytes) }
  // The editor starts again, with another text, only where it shows another one: the cursor stays where it is.
  const [start, setStart] = useState(0)
  const now = useRef(draft?.text)
  const drop = (): void => {
    edit(undefined)
    now.current = undefined
    setStart((each) => each + 1)
  }
  const server = shown[form] ?? ''
  useEffect(() => {
    if (draft !== undefined || now.current === server) return
    now.current = server
    setStart((each) => each + 1)
  }, [server, draft])
  const onText = (typed: string): void => {
    now.current = typed
    setSaved('')
    if (draft === undefined && typed === server) return
    edit({ text: typed, form, version: draft?.version ?? znode.stat.version })
  }
  const typedBytes =
    draft === undefined
      ? undefined
      : draft.form === 'hex'
        ? bytesOfHex(draft.text)
        : new TextEncoder().encode(draft.text)
  const typedProblem =
    draft === undefined
      ? undefined
      : typedBytes === undefined
        ? 'Hexadecimal digits come in pairs: 0 to 9 and a to f.'
        : draft.form === 'json' && prettyOf(draft.text) === undefined
          ? 'This is not JSON any more; it can be saved as it is.'
          : undefined
  const save = async (version: number): Promise<void> => {
    if (draft === undefined || typedBytes === undefined || !allowsWrites) return
    setProblem(undefined)
    try {
      const data = base64Of(typedBytes)
      let { stat } = read
      if (isGone) await write('POST', '/api/znode', { path, data, parents: true })
      else ({ stat } = await write<{ readonly stat: Stat }>('PUT', '/api/znode', { path, data, version }))
      setWritten({ before: read.stat.mzxid, data, stat })
      settle(draft, (newer) => ({ ...newer, version: isGone ? 0 : stat.version }))
      setSaved(isGone ? 'Created again.' : 'Saved.')
      emit('written')
      onSaved()
    } catch (error) {
      if (error instanceof ApiProblem) setProblem(error)
      if (error instanceof ApiProblem && error.code === 'BAD_VERSION') onSaved()
    }
  }
  const isBehind = draft !== undefined && !isGone && draft.version !== znode.stat.version
  const isReadOnly = !allowsWrites
  return (
    <section class="panel">
      <h2>Data</h2>
      <div class="line" role="group" aria-label="How to show the data">
        {(['text', 'json', 'hex'] as const).map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={form === each}
            disabled={shown[each] === undefined || (draft !== undefined && draft.form !== each)}
            onClick={() => setForm(each)}
          >
            {{ text: 'Text', json: 'JSON', hex: 'Hex' }[each]}
          </button>
        ))}
        {text === undefined ? <span class="quiet">These bytes are no text.</span> : null}
      </div>
      {Editor === undefined ? (
        <pre class="editor">{draft?.text ?? server}</pre>
      ) : (
        <Editor
          key={`${form} ${start}`}
          text={draft?.text ?? server}
          isJson={form === 'json'}
          isReadOnly={isReadOnly}
          label={`Data of ${path}`}
          onText={onText}
          onSave={() => void save(draft?.version ?? znode.stat.version)}
        />
      )}
      {isBehind ? (
        <Conflict
          said={
            <>
              {path} was written by another client while you edited version {draft.version}: it has version{' '}
              {znode.stat.version} now. Your text is kept, and nothing of it was saved. It holds now:
            </>
          }
          saveLabel={`Save mine over version ${znode.stat.version}`}
          save={() => save(znode.stat.version)}
          drop={drop}
        >
          <pre>{(shown[form] ?? shown.hex ?? '').slice(0, 2_000)}</pre>
        </Conflict>
      ) : null}
      {isBehind && problem?.code === 'BAD_VERSION' ? null : <ProblemNote problem={problem} />}
      {typedProblem === undefined ? null : <p class="note">{typedProblem}</p>}
      {isReadOnly ? (
        <p class="quiet">This console only reads.</p>
      ) : (
        <p class="line">
          <button
            type="button"
            class="main"
            disabled={draft === undefined || typedBytes === undefined || isBehind}
            onClick={() => void save(draft?.version ?? 0)}
          >
            {isGone ? 'Create it again' : 'Save'}
          </button>
          <button type="button" disabled={draft === undefined} onClick={drop}>
            Drop what I typed
          </button>
          <span class="quiet" role="status">
            {saved}
          </span>
        </p>
      )}
    </section>
  )
}
