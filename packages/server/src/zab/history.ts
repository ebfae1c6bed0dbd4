/**
 * This server's history: its log and its two epochs; which part is durable, committed and applied. All requests to the disk are
 * made here, so that one place knows what must be durable before a promise. It outlasts elections and terms.
 */
import { formatHex } from '@lightkeeper/protocol'
import { assert } from '@lightkeeper/runtime'
import { HeldZxids } from './held-zxids.ts'
import type { DiskInput, Recovered } from './inputs.ts'
import type { PeerOutput } from './outputs.ts'

export class History {
  /** The epoch that this server promised to a leader: it follows no older one. Durable. */
  acceptedEpoch: number
  /** The epoch of the leader whose whole initial history this server has. Durable, never above the other. */
  currentEpoch: number
  /** The content of the log once all requested work is done. */
  held: HeldZxids
  /** Last zxid that is certainly on the disk. Never above `held.last`. */
  durable: bigint
  /** Highest zxid known to be committed. Never decreases below `seen`. */
  committed: bigint
  /** Highest zxid that this process has seen committed by a leader: no leader may take it back. */
  seen = 0n
  /** The last zxid in the tree. Never above `committed` or `durable`; it decreases when an image replaces the tree. */
  applied: bigint
  /** The disk failed. It gets no more requests. */
  isFailed = false
  /** Something is missing here, or may be: this server must not vote before a leader has made its history whole. */
  isIncomplete: boolean
  /**
   * The history is whole, but cannot be cut as a leader asked: this server asks the same leader for everything. Where that does not
   * succeed, it has a vote with what it has, as after a restart.
   */
  isUncuttable = false
  /** The last zxid that was passed to `commit`. */
  #passedOn: bigint
  #epochsAsked: { readonly accepted: number; readonly current: number } | undefined
  #cuts = 0
  /** What the log had before the cut that is under way. */
  #uncut: HeldZxids | undefined
  /** An image that is complete but not installed, and the transactions appended after it. */
  #staged: HeldZxids | undefined
  /** The last zxid that will be durable with the image once it is installed. */
  #installing: bigint | undefined

  constructor(recovered: Recovered) {
    this.acceptedEpoch = recovered.acceptedEpoch
    this.currentEpoch = recovered.currentEpoch
    this.held = new HeldZxids(recovered.base, recovered.ranges)
    this.durable = this.held.last
    this.committed = recovered.committed
    this.applied = recovered.committed
    this.#passedOn = recovered.committed
    this.isIncomplete = recovered.state !== 'whole'
  }

  /** Only a whole copy of the leader's history is of use here: no part that follows what is there, and no vote for that leader. */
  get needsEverything(): boolean {
    return this.isIncomplete || this.isUncuttable
  }

  /** The log that `append` goes to. */
  get log(): HeldZxids {
    return this.#staged ?? this.held
  }

  /** No disk work is under way: the known state of the disk is complete. */
  get isQuiet(): boolean {
    return this.isDurable && !this.isSavingEpochs
  }

  get isSavingEpochs(): boolean {
    return this.#epochsAsked !== undefined
  }

  /** Everything that was appended, truncated or installed is durable, except what waits behind an image that is not installed. */
  get isDurable(): boolean {
    return this.durable === this.held.last && this.#cuts === 0 && this.#installing === undefined
  }

  /** An image waits for its installation. */
  get hasImage(): boolean {
    return this.#staged !== undefined
  }

  saveEpochs(accepted: number, current: number, out: PeerOutput): void {
    assert(this.#epochsAsked === undefined, 'epochs are saved one after the other')
    assert(accepted >= this.acceptedEpoch && current >= this.currentEpoch, 'an epoch never goes back')
    assert(current <= accepted, 'the current epoch was accepted before')
    this.#epochsAsked = { accepted, current }
    out.saveEpochs(accepted, current)
  }

  append(zxid: bigint, payload: Uint8Array, out: PeerOutput): void {
    this.log.append(zxid)
    out.append(zxid, payload)
  }

  truncate(zxid: bigint, out: PeerOutput): void {
    assert(zxid >= this.seen, `${formatHex(this.seen)} is committed, nothing below is cut`)
    assert(this.isDurable, 'nothing is cut while something is being written')
    this.#uncut = this.held
    this.held = this.held.upTo(zxid)
    this.durable = zxid
    this.#cuts++
    out.truncate(zxid)
  }

  install(out: PeerOutput): void {
    const staged = this.#staged
    assert(staged !== undefined, 'there is an image to install')
    assert(staged.last >= this.seen, `${formatHex(this.seen)} is committed, the image ends before it`)
    this.#installing = staged.last
    out.install()
  }

  /** Discards an image that is not being installed. One that is being installed will be the history of this server. */
  discardImage(out: PeerOutput): void {
    if (this.#installing !== undefined) return
    this.#staged = undefined
    out.discardImage()
  }

  /** Records that everything up to `zxid` is committed. It is applied when it is durable here, not earlier (ZOOKEEPER-4882). */
  commit(zxid: bigint, out: PeerOutput): void {
    if (zxid > this.seen) this.seen = zxid
    if (zxid > this.committed) this.committed = zxid
    this.#tellCommitted(out)
  }

  /** The tree includes everything up to `zxid`. A report about a tree that an image has replaced is ignored. */
  noteApplied(zxid: bigint): void {
    if (zxid > this.applied && zxid <= this.#passedOn) this.applied = zxid
  }

  /** Takes a report of the disk. */
  report(input: DiskInput, out: PeerOutput): void {
    switch (input.kind) {
      case 'durable':
        assert(input.zxid <= this.held.last, 'what is durable was appended')
        if (input.zxid > this.durable) this.durable = input.zxid
        this.#tellCommitted(out)
        return
      case 'truncated':
        this.#cuts--
        return
      case 'notTruncated':
        // The disk has what it had before, and nothing of what was appended behind the cut.
        this.#cuts--
        assert(this.#uncut !== undefined, 'a cut was under way')
        this.held = this.#uncut
        this.durable = this.held.last
        this.isUncuttable = true
        return
      case 'epochsSaved':
        assert(this.#epochsAsked !== undefined, 'epochs were asked to be saved')
        this.acceptedEpoch = this.#epochsAsked.accepted
        this.currentEpoch = this.#epochsAsked.current
        this.#epochsAsked = undefined
        return
      case 'imageReceived':
        this.#staged = new HeldZxids(input.zxid)
        return
      case 'installed':
        this.#installed()
        return
      case 'logFailed':
        this.isFailed = true
    }
  }

  #installed(): void {
    const [staged, upTo] = [this.#staged, this.#installing]
    assert(staged !== undefined && upTo !== undefined, 'an image was being installed')
    this.held = staged
    this.durable = upTo
    this.#staged = undefined
    this.#installing = undefined
    // The tree is that of the image now.
    this.applied = staged.base
    this.#passedOn = staged.base
    // What only a snapshot of the replaced history claimed is not committed any more.
    this.committed = staged.base > this.seen ? staged.base : this.seen
  }

  applicable(): bigint {
    return this.committed < this.durable ? this.committed : this.durable
  }

  #tellCommitted(out: PeerOutput): void {
    // A tree that will be replaced gets nothing more.
    if (this.#installing !== undefined) return
    const ready = this.applicable()
    if (ready <= this.#passedOn) return
    this.#passedOn = ready
    out.commit(ready)
  }
}
