/** A list of very many rows, of which only those in sight exist as elements. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core'
import type { ComponentChildren, CSSProperties, HTMLAttributes, JSX } from 'preact'
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks'

interface Props {
  readonly count: number
  /** Height of a row, pixels. */
  readonly rowHeight: number
  /** The row that must be in sight, where it changes. */
  readonly shown?: number | undefined
  /** The class of the element that scrolls, and its other attributes. */
  readonly name: string
  readonly attributes?: HTMLAttributes<HTMLDivElement>
  row(index: number, style: CSSProperties): ComponentChildren
}

export function VirtualList({ count, rowHeight, shown, name, attributes = {}, row }: Props): JSX.Element {
  const scroller = useRef<HTMLDivElement>(null)
  const [, draw] = useReducer((n: number) => n + 1, 0)
  const options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => draw(undefined),
  }
  const [virtualizer] = useState(() => new Virtualizer<HTMLDivElement, HTMLDivElement>(options))
  virtualizer.setOptions(options)
  useEffect(() => virtualizer._didMount(), [virtualizer])
  useLayoutEffect(() => virtualizer._willUpdate())
  useEffect(() => {
    if (shown !== undefined) virtualizer.scrollToIndex(shown, { align: 'auto' })
  }, [shown, virtualizer])
  return (
    <div {...attributes} ref={scroller} class={`virtual ${name}`}>
      <div class="virtual-space" style={{ height: `${virtualizer.getTotalSize()}px` }} role="presentation">
        {virtualizer
          .getVirtualItems()
          .map(({ index, start }) => row(index, { transform: `translateY(${start}px)`, height: `${rowHeight}px` }))}
      </div>
    </div>
  )
}
