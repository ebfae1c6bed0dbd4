/** The network of the model: one stream a link, in order, each at its own pace; cuts in one direction; one notification a pair on its way. */
import type { Notification, QuorumPacket } from '@lightkeeper/protocol'
import type { Image } from './disk.ts'
import type { Ensemble } from './ensemble.ts'

type Item =
  | { readonly kind: 'packet'; readonly packet: QuorumPacket }
  | { readonly kind: 'image'; readonly image: Image; readonly mayHold: bigint }
  | { readonly kind: 'end' }

interface Stream {
  readonly link: number
  readonly from: number
  readonly to: number
  readonly items: { readonly item: Item; readonly at: number }[]
  lastAt: number
  isPumping: boolean
  /** The receiver has closed its end, or is dead. */
  isDead: boolean
  awaitsImage: boolean
}

/** Tries of a dial and the time between them, as Apache's learners have it. */
const dialTries = 5
const dialPauseMs = 100
const dialLimitMs = 1000

export class Network {
  readonly #ensemble: Ensemble
  readonly #streams = new Map<number, readonly [Stream, Stream]>()
  readonly #notices = new Map<number, { notification: Notification; isScheduled: boolean }>()
  readonly #cuts = new Map<number, number>()
  readonly #ends = new Map<number, readonly [number, number]>()
  #links = 0

  constructor(ensemble: Ensemble) {
    this.#ensemble = ensemble
  }

  get links(): readonly number[] {
    return [...this.#streams.keys()]
  }

  isCut(from: number, to: number): boolean {
    return (this.#cuts.get(pair(from, to)) ?? 0) > 0
  }

  /** Nothing passes from one to the other until the returned function is called; sent messages wait. */
  cut(from: number, to: number): () => void {
    const key = pair(from, to)
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1)
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#cuts.set(key, (this.#cuts.get(key) ?? 0) - 1)
      if (this.isCut(from, to)) return
      for (const streams of this.#streams.values())
        for (const stream of streams) if (stream.from === from && stream.to === to) this.#pump(stream)
      this.#scheduleNotice(from, to)
    }
  }

  notify(from: number, to: number, notification: Notification): void {
    const key = pair(from, to)
    const notice = this.#notices.get(key)
    if (notice === undefined) this.#notices.set(key, { notification, isScheduled: false })
    else notice.notification = notification
    this.#scheduleNotice(from, to)
  }

  #scheduleNotice(from: number, to: number): void {
    const key = pair(from, to)
    const notice = this.#notices.get(key)
    if (notice === undefined || notice.isScheduled || this.isCut(from, to)) return
    notice.isScheduled = true
    const { events } = this.#ensemble
    events.after(this.#ensemble.latency(from, to), () => {
      notice.isScheduled = false
      if (this.isCut(from, to) || this.#notices.get(key) !== notice) return
      this.#notices.delete(key)
      this.#ensemble.host(to).step({ kind: 'notification', from, notification: notice.notification })
      this.#ensemble.delivered(to)
    })
  }

  dial(from: number, to: number, attempt: number, tries = dialTries): void {
    const { events } = this.#ensemble
    const dialer = this.#ensemble.host(from)
    const { incarnation } = dialer
    const isGone = (): boolean => dialer.incarnation !== incarnation
    const delay = this.#ensemble.latency(from, to)
    if (this.isCut(from, to) || this.isCut(to, from)) {
      events.after(dialLimitMs, () => isGone() || dialer.step({ kind: 'dialFailed', attempt }))
      return
    }
    events.after(delay, () => {
      if (isGone()) return
      const accepting = this.#ensemble.host(to)
      if (accepting.isListening) {
        this.#open(from, to, attempt)
        return
      }
      if (tries > 1) events.after(dialPauseMs, () => isGone() || this.dial(from, to, attempt, tries - 1))
      else dialer.step({ kind: 'dialFailed', attempt })
    })
  }

  #open(from: number, to: number, attempt: number): void {
    const link = ++this.#links
    const stream = (a: number, b: number): Stream => ({
      link,
      from: a,
      to: b,
      items: [],
      lastAt: 0,
      isPumping: false,
      isDead: false,
      awaitsImage: false,
    })
    this.#streams.set(link, [stream(from, to), stream(to, from)])
    this.#ends.set(link, [from, to])
    this.#ensemble.host(to).step({ kind: 'linkAccepted', link })
    const dialer = this.#ensemble.host(from)
    const { incarnation } = dialer
    this.#ensemble.events.after(this.#ensemble.latency(to, from), () => {
      if (dialer.incarnation === incarnation) dialer.step({ kind: 'linkOpened', link, attempt })
    })
  }

  otherEnd(link: number, sid: number): number {
    const [from, to] = this.#ends.get(link) as readonly [number, number]
    return from === sid ? to : from
  }

  send(from: number, link: number, item: Item): void {
    const stream = this.#stream(link, from)
    if (stream === undefined || stream.isDead) return
    const at = Math.max(stream.lastAt, this.#ensemble.events.now + this.#ensemble.latency(from, stream.to))
    stream.lastAt = at
    stream.items.push({ item, at })
    this.#pump(stream)
  }

  /** The image is walked for a while; meanwhile the tree goes on. */
  sendImage(from: number, link: number, image: Image): void {
    const sender = this.#ensemble.host(from)
    const { incarnation } = sender
    this.#ensemble.events.after(this.#ensemble.imageDelay(), () => {
      if (sender.incarnation !== incarnation) return
      // Where the other end is gone it goes nowhere, and the sender is none the wiser.
      this.send(from, link, { kind: 'image', image, mayHold: sender.tree.at(-1)?.zxid ?? 0n })
      sender.step({ kind: 'imageSent', link })
    })
  }

  /** A planted bug: what follows the image is sent as if it were complete, while the tree goes on. */
  sendImageAhead(from: number, link: number, image: Image): void {
    const sender = this.#ensemble.host(from)
    const { incarnation } = sender
    const stream = this.#stream(link, from)
    if (stream !== undefined) stream.lastAt = this.#ensemble.events.now + 60
    const holds = (): bigint => sender.tree.at(-1)?.zxid ?? 0n
    this.send(from, link, {
      kind: 'image',
      image,
      get mayHold() {
        return holds()
      },
    })
    this.#ensemble.events.after(0, () => {
      if (sender.incarnation === incarnation) sender.step({ kind: 'imageSent', link })
    })
  }

  awaitImage(sid: number, link: number): void {
    const stream = this.#streams.get(link)?.find(({ to }) => to === sid)
    if (stream === undefined) return
    stream.awaitsImage = true
  }

  /** `sid` closes its end: what it sent still arrives, and then the end of it. */
  close(sid: number, link: number): void {
    const streams = this.#streams.get(link)
    if (streams === undefined) return
    this.send(sid, link, { kind: 'end' })
    for (const stream of streams) if (stream.to === sid) stream.isDead = true
    this.#forget(link)
  }

  crashed(sid: number): void {
    for (const key of [...this.#notices.keys()]) if (Math.floor(key / pairs) === sid) this.#notices.delete(key)
    for (const [link, streams] of [...this.#streams]) {
      for (const stream of streams) {
        if (stream.from !== sid) continue
        // Of what it had sent the network delivers some.
        const kept = this.#ensemble.random.below(stream.items.length + 1)
        stream.items.splice(kept)
        stream.lastAt = this.#ensemble.events.now
        this.close(sid, link)
      }
    }
  }

  /** A connection breaks: both sides learn it, and what was under way is lost. */
  breakLink(link: number): void {
    for (const stream of this.#streams.get(link) ?? []) {
      stream.items.length = 0
      this.send(stream.from, link, { kind: 'end' })
    }
  }

  #stream(link: number, from: number): Stream | undefined {
    return this.#streams.get(link)?.find((each) => each.from === from)
  }

  #forget(link: number): void {
    const streams = this.#streams.get(link)
    if (streams?.every(({ isDead }) => isDead)) this.#streams.delete(link)
  }

  #pump(stream: Stream): void {
    const [head] = stream.items
    if (head === undefined || stream.isPumping || this.isCut(stream.from, stream.to)) return
    stream.isPumping = true
    this.#ensemble.events.at(head.at, () => {
      stream.isPumping = false
      if (this.isCut(stream.from, stream.to)) return
      const next = stream.items.shift()
      if (next !== undefined && !stream.isDead) this.#deliver(stream, next.item)
      this.#pump(stream)
      this.#ensemble.delivered(stream.to)
    })
  }

  #deliver(stream: Stream, item: Item): void {
    const receiver = this.#ensemble.host(stream.to)
    const { link } = stream
    switch (item.kind) {
      case 'packet':
        receiver.step({ kind: 'packet', link, packet: item.packet })
        return
      case 'image':
        if (stream.awaitsImage) receiver.imageReceived(link, item.image, item.mayHold)
        stream.awaitsImage = false
        return
      case 'end':
        stream.isDead = true
        receiver.step({ kind: 'linkClosed', link })
        // Nothing more goes the other way either.
        for (const other of this.#streams.get(link) ?? []) other.isDead = true
        this.#streams.delete(link)
    }
  }
}

const pairs = 1000

function pair(from: number, to: number): number {
  return from * pairs + to
}
