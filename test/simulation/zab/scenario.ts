/**
 * Scenarios of one step a line, with what is left behind it: how bugs of real servers came about, and what comes of the same steps here.
 *
 *     servers 3 [1 observer]   they start                       run [MS]        until all serve, or for so long
 *     write N                  N transactions, and 100 ms       propose N       N transactions, no time
 *     crash N lose|keep        what was not durable is lost, or was done all the same
 *     start N · hold log|epochs N · release N · fail disk N · snapshot N · purge N
 *     cut A B · heal           nothing gets from A to B; all gets everywhere
 *     until N gets TYPE, until N sends TYPE                      up to that packet, and no further
 *     use up the counter       the next transaction of the leader would have the last counter of its epoch
 *     end                      all faults end, and all have to come together
 */
import { formatHex } from '@lightkeeper/protocol'
import { Ensemble } from './ensemble.ts'
import type { Host } from './host.ts'
import { endWell } from './schedule.ts'

/** Everything takes a millisecond in a scenario, so a write is everywhere after few. */
const writeMs = 100

/** Runs the steps of `text` and returns them with what each left. */
export function play(text: string): string {
  const lines: string[] = []
  const steps = text.split('\n').filter((line) => line !== '' && !line.startsWith(' '))
  let stage: Stage | undefined
  for (const step of steps) {
    lines.push(step)
    if (step.startsWith('#')) continue
    const servers = /^servers (\d)(?: (\d) observers?)?$/.exec(step)
    if (servers !== null) stage = new Stage(Number(servers[1]), Number(servers[2] ?? 0))
    else if (stage === undefined) throw new Error(`"${step}" before there are servers`)
    else lines.push(...stage.take(step).map((line) => `    ${line}`))
  }
  return `${lines.join('\n')}\n`
}

class Stage {
  readonly #ensemble: Ensemble
  #heals: (() => void)[] = []

  constructor(voters: number, observers: number) {
    this.#ensemble = new Ensemble(1, { voters, observers, isHasty: true })
    for (const host of this.#ensemble.hosts) host.start()
  }

  take(step: string): string[] {
    const rows: readonly [RegExp, (...words: string[]) => string[] | undefined][] = [
      [/^run$/, () => this.#run()],
      [/^run (\d+)$/, (ms = '') => this.#runFor(Number(ms))],
      [/^write (\d+)$/, (count = '') => this.#write(Number(count), writeMs)],
      [/^propose (\d+)$/, (count = '') => this.#write(Number(count), 0)],
      [/^crash (\d) (lose|keep)$/, (sid = '', what = '') => this.#crash(sid, what)],
      [/^start (\d)$/, (sid = '') => this.#host(sid).start() as undefined],
      [/^hold (log|epochs) (\d)$/, (queue, sid) => void this.#ensemble.held.add(`${queue} ${sid}`)],
      [/^release (\d)$/, (sid = '') => this.#release(sid)],
      [/^fail disk (\d)$/, (sid = '') => void this.#ensemble.failingDisks.add(Number(sid))],
      [/^(snapshot|purge) (\d)$/, (what = '', sid = '') => this.#host(sid).snapshot(what === 'purge') as undefined],
      [/^cut (\d) (\d)$/, (from = '', to = '') => this.#cut(from, to)],
      [/^heal$/, () => this.#heal()],
      [/^until (\d) (gets|sends) ([A-Z]+)$/, (sid = '', way = '', type = '') => this.#until(Number(sid), way, type)],
      [/^use up the counter$/, () => this.#useUpCounter()],
      [/^end$/, () => this.#end()],
    ]
    for (const [form, perform] of rows) {
      const words = form.exec(step)
      if (words !== null) return perform(...words.slice(1)) ?? []
    }
    throw new Error(`no such step: ${step}`)
  }

  #host(sid: string): Host {
    return this.#ensemble.host(Number(sid))
  }

  get #state(): string[] {
    return this.#ensemble.hosts.map((host) => {
      const { sid, peer, role, epoch, disk, tree } = host
      const phase = peer?.leader?.state ?? peer?.learner?.state ?? peer?.state ?? 'dead'
      const what = role === undefined ? phase : `${role} in epoch ${epoch}`
      const last = (txns: readonly { readonly zxid: bigint }[]): string => formatHex(txns.at(-1)?.zxid ?? 0n)
      return `${sid} ${what}: epochs ${disk.accepted} ${disk.current}, disk ${last(disk.history)}, applied ${last(tree)}`
    })
  }

  #run(): string[] {
    const { hosts } = this.#ensemble
    const isDone = (): boolean => {
      const { leader } = this.#ensemble
      return (
        leader !== undefined && hosts.every(({ isAlive, epoch, role }) => !isAlive || (role && epoch === leader.epoch))
      )
    }
    const isSettled = this.#ensemble.runUntil(isDone, 18_000)
    // What was committed meanwhile arrives too.
    if (isSettled) this.#ensemble.runUntil(() => false, writeMs)
    return this.#state
  }

  #runFor(ms: number): string[] {
    this.#ensemble.runUntil(() => false, ms)
    return this.#state
  }

  #write(count: number, ms: number): string[] {
    for (let i = 0; i < count; i++) if (!this.#ensemble.propose()) return ['nobody leads']
    if (ms === 0) return []
    return this.#runFor(ms)
  }

  #crash(sid: string, what: string): undefined {
    this.#host(sid).crash(what === 'lose' ? () => 0 : (bound) => bound - 1)
  }

  #release(sid: string): undefined {
    for (const queue of ['log', 'epochs']) this.#ensemble.held.delete(`${queue} ${sid}`)
    this.#host(sid).work()
  }

  #cut(from: string, to: string): undefined {
    this.#heals.push(this.#ensemble.network.cut(Number(from), Number(to)))
  }

  #heal(): undefined {
    for (const heal of this.#heals) heal()
    this.#heals = []
  }

  #until(sid: number, way: string, type: string): string[] {
    const form = new RegExp(way === 'gets' ? `^<- packet \\d+ ${type} ` : `^-> \\d+ ${type} `)
    let isThere = false
    this.#ensemble.onNote = (at, text) => {
      if (at === sid && form.test(text)) isThere = true
    }
    this.#ensemble.runUntil(() => isThere, 18_000)
    this.#ensemble.onNote = undefined
    return isThere ? this.#state : [`it never ${way} ${type}`]
  }

  #useUpCounter(): undefined {
    const { leader } = this.#ensemble
    if (leader !== undefined) leader.lastProposed = (BigInt(leader.epoch) << 32n) | 0xffff_fffen
  }

  #end(): string[] {
    this.#heal()
    this.#ensemble.failingDisks.clear()
    for (const host of this.#ensemble.hosts) {
      this.#release(String(host.sid))
      if (host.peer?.state === 'failed') host.crash()
      if (!host.isAlive) host.start()
    }
    endWell(this.#ensemble)
    return [`all have the same ${this.#ensemble.checker.committed.length} transactions`]
  }
}
