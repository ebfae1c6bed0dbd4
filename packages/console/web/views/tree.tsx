/** The tree on the left, the chosen znode on the right. */
import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks'
import type { Children, StreamEvent } from '../../src/api.ts'
import { ApiProblem, address, ask, follow } from '../lib/api.ts'
import { go } from '../lib/location.ts'
import { useNews } from '../lib/news.ts'
import { parentOf, type Row, TreeModel } from '../lib/tree-model.ts'
import { ProblemNote } from '../parts/bits.tsx'
import { VirtualList } from '../parts/virtual-list.tsx'
import { SearchBox } from './search.tsx'
import { ZnodeView } from './znode.tsx'

interface Props {
  readonly path: string
  /** What is searched for below the path. */
  readonly search: string | undefined
  readonly inData: boolean
  readonly allowsWrites: boolean
  readonly hasPast: boolean
  onState(event: StreamEvent | { readonly kind: 'gone' }): void
}

export function TreeView({ path, search, inData, allowsWrites, hasPast, onState }: Props): JSX.Element {
  const [round, draw] = useReducer((n: number) => n + 1, 0)
  const [problem, setProblem] = useState<ApiProblem>()
  const [news, setNews] = useState<{ readonly path: string; readonly count: number }>({ path, count: 0 })
  const model = useMemo(() => {
    const read = (of: string, offset: number, limit: number, find: readonly string[]): Promise<Children> =>
      ask<Children>(address('/api/children', { path: of, offset, limit, find }))
    return new TreeModel(
      read,
      () => draw(undefined),
      (error) => error instanceof ApiProblem && setProblem(error),
    )
  }, [])
  useEffect(() => {
    setProblem(undefined)
    void model.open(parentOf(path))
  }, [model, path])
  useNews((each) => {
    if (each !== 'back' && each !== 'token given') return
    setProblem(undefined)
    for (const open of model.openPaths) void model.reload(open)
    // Where the first read had failed, nothing is open.
    void model.open(parentOf(path))
  })

  // One stream for what is open: the chosen znode, and the lists of children.
  const lists = model.openPaths.sort().slice(0, 100)
  const url = address('/api/follow', { path, list: lists })
  useEffect(() => {
    const over = new AbortController()
    void follow(
      url,
      (event) => {
        onState(event)
        if (event.kind === 'children') void model.hear(event.path, event.state)
        if (event.kind === 'changes' && event.items.some((item) => item.path === path)) {
          setNews((before) => ({ path, count: before.path === path ? before.count + 1 : 1 }))
        }
      },
      over.signal,
    )
    return () => over.abort()
  }, [url])

  const choose = useCallback((chosen: string) => go('tree', { path: chosen }), [])
  return (
    <div class="panes">
      <section class="pane tree-pane" aria-label="Tree">
        <SearchBox path={path} text={search} inData={inData} />
        <ProblemNote problem={problem} />
        <TreeRows model={model} round={round} path={path} onChoose={choose} />
      </section>
      <section class="pane znode-pane" aria-label="Znode">
        <ZnodeView
          key={path}
          path={path}
          allowsWrites={allowsWrites}
          hasPast={hasPast}
          news={news.path === path ? news.count : 0}
        />
      </section>
    </div>
  )
}

interface RowsProps {
  readonly model: TreeModel
  readonly round: number
  readonly path: string
  onChoose(path: string): void
}

/** Keys as in every tree: arrows move, open and close; Home and End; Enter chooses. */
function TreeRows({ model, path, onChoose }: RowsProps): JSX.Element {
  const [active, setActive] = useState<number>()
  const followed = useRef('')
  const chosen = model.indexOf(path)
  useEffect(() => {
    // The row of the chosen znode is found when its list has come; after that the keys decide.
    if (chosen === undefined || followed.current === path) return
    followed.current = path
    setActive(chosen)
  }, [chosen, path])
  const now = Math.min(active ?? chosen ?? 0, model.count - 1)
  const toggle = (row: Row): void => {
    if (row.isOpen) model.close(row.path)
    else if (row.path !== '') void model.open(row.path)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = model.row(now)
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => setActive(Math.min(now + 1, model.count - 1)),
      ArrowUp: () => setActive(Math.max(now - 1, 0)),
      PageDown: () => setActive(Math.min(now + 20, model.count - 1)),
      PageUp: () => setActive(Math.max(now - 20, 0)),
      Home: () => setActive(0),
      End: () => setActive(model.count - 1),
      ArrowRight: () => (row.isOpen ? setActive(Math.min(now + 1, model.count - 1)) : toggle(row)),
      ArrowLeft: () => (row.isOpen ? model.close(row.path) : setActive(model.indexOf(parentOf(row.path)) ?? now)),
      Enter: () => row.path !== '' && onChoose(row.path),
      ' ': () => row.path !== '' && onChoose(row.path),
    }
    const move = moves[event.key]
    if (move === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    move()
  }
  return (
    <VirtualList
      count={model.count}
      rowHeight={26}
      shown={active}
      name="tree"
      attributes={{
        role: 'tree',
        'aria-label': 'Znodes',
        'aria-activedescendant': `row-${now}`,
        tabIndex: 0,
        onKeyDown,
      }}
      row={(index, style) => {
        const row = model.row(index)
        const { child, name, depth, isOpen, position, siblings } = row
        const hasChildren = index === 0 || (child?.numChildren ?? 0) > 0
        const isChosen = row.path === path
        return (
          <div
            key={index}
            id={`row-${index}`}
            role="treeitem"
            class={`row${isChosen ? ' chosen' : ''}${index === now ? ' active' : ''}`}
            style={style}
            aria-level={depth + 1}
            aria-posinset={position}
            aria-setsize={siblings}
            aria-selected={isChosen}
            aria-expanded={hasChildren ? isOpen : undefined}
            onClick={() => {
              setActive(index)
              if (row.path !== '') onChoose(row.path)
            }}
          >
            <span class="indent" style={{ width: `${depth * 16}px` }} />
            <span
              class="twist"
              aria-hidden="true"
              onClick={(event) => {
                event.stopPropagation()
                setActive(index)
                if (hasChildren) toggle(row)
              }}
            >
              {hasChildren ? (isOpen ? '▾' : '▸') : ''}
            </span>
            <span class="name">{row.path === '' ? '…' : name}</span>
            {child !== undefined && child.kind !== 'persistent' ? (
              <span class={`tag ${child.kind}`}>{child.kind}</span>
            ) : null}
            {child !== undefined && child.numChildren > 0 ? (
              <span class="count">{child.numChildren.toLocaleString('en')}</span>
            ) : null}
          </div>
        )
      }}
    />
  )
}
