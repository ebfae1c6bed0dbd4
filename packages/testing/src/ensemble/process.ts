/**
 * A process inside this process: everything that a server asks of its host goes through it, so that the server can be killed and stopped
 * as a real process can. Its links can be cut (link.ts).
 */
import type { Disk, DiskFile, Link, LinkEvents, Network, Runtime, Timer } from '@lightkeeper/runtime'
import { type Cables, clients, type End } from './cables.ts'
import { CuttableLink } from './link.ts'

export interface ProcessOptions {
  /** The index of the member. */
  readonly own: End
  readonly cables: Cables
  /** The member that an address belongs to; undefined for any other address. */
  memberAt(address: string): End | undefined
  /** Whether an address is that of the port where the member accepts clients. */
  isForClients(address: string): boolean
}

interface Missed {
  readonly isTimer: boolean
  readonly task: () => void
}

export class HostedProcess {
  readonly runtime: Runtime
  readonly #host: Runtime
  readonly #options: ProcessOptions
  readonly #timers = new Set<Timer>()
  readonly #links = new Set<CuttableLink>()
  /** Operations of the disk that are under way. */
  readonly #working = new Set<Promise<unknown>>()
  /** What the system closes when the process dies: files, and apart from them the ports that are listened on. */
  readonly #files = new Set<() => Promise<void>>()
  readonly #ports = new Set<() => Promise<void>>()
  #missed: Missed[] = []
  #isAlive = true
  #isPaused = false
  #killed: Promise<void> | undefined

  /** A new process that uses `host`. */
  constructor(host: Runtime, options: ProcessOptions) {
    this.#host = host
    this.#options = options
    const { clock } = host
    this.runtime = {
      ...host,
      clock: {
        now: () => clock.now(),
        wall: () => clock.wall(),
        after: (delayMs, task) => this.#after(delayMs, task),
        turnEnd: (task) => clock.turnEnd(() => this.run(true, task)),
      },
      network: this.#network(),
      http: {
        listen: (address, answer, options) =>
          this.#io(async () => {
            const listener = await host.http.listen(address, answer, options)
            return { address: listener.address, close: this.#closer(this.#ports, () => listener.close()) }
          }),
      },
      disk: this.#disk(),
      log: (level, message, facts) => {
        if (this.#isAlive) host.log(level, message, facts)
      },
    }
  }

  /** SIGSTOP: nothing runs until `resume`; the system keeps connections open, and accepts new ones. */
  pause(): void {
    this.#isPaused = true
    for (const link of this.#links) link.settle()
  }

  /** SIGCONT: timers that are due run first, then what has arrived meanwhile. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    const isTimer = ({ isTimer }: Missed): boolean => isTimer
    this.#missed = [...this.#missed.filter(isTimer), ...this.#missed.filter((each) => !isTimer(each))]
    this.#host.clock.turnEnd(() => this.#catchUp())
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /**
   * SIGKILL: nothing runs any more. Resolves when the system has closed its sockets and files; writes that it had taken over are done
   * then.
   */
  kill(): Promise<void> {
    this.#killed ??= this.#kill()
    return this.#killed
  }

  async #kill(): Promise<void> {
    this.#isAlive = false
    this.#missed = []
    for (const timer of this.#timers) timer.cancel()
    for (const link of [...this.#links]) link.sever()
    await Promise.all(this.#working)
    const closed = Promise.allSettled([...this.#ports].map((close) => close()))
    await Promise.allSettled([...this.#files].map((close) => close()))
    // A port is free at once, but reports its end after its last connection, and those that are cut off stay until they are healed.
    if (this.#links.size === 0) await closed
  }

  /** Runs `task` as a part of the process: later while it is stopped, never when it is dead. */
  run(isTimer: boolean, task: () => void): void {
    if (!this.#isAlive) return
    if (this.#isPaused || this.#missed.length > 0) this.#missed.push({ isTimer, task })
    else task()
  }

  #catchUp(): void {
    if (this.#isPaused || !this.#isAlive) return
    this.#missed.shift()?.task()
    if (this.#missed.length > 0) this.#host.clock.turnEnd(() => this.#catchUp())
    else for (const link of this.#links) link.settle()
  }

  #after(delayMs: number, task: () => void): Timer {
    let isCancelled = false
    const timer = this.#host.clock.after(delayMs, () => {
      this.#timers.delete(timer)
      this.run(true, () => {
        if (!isCancelled) task()
      })
    })
    this.#timers.add(timer)
    return {
      cancel: () => {
        isCancelled = true
        this.#timers.delete(timer)
        timer.cancel()
      },
    }
  }

  /** Begins an operation of the system. A dead process never hears of its end. */
  #io<T>(begin: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#isAlive) return
      const work = begin().then(
        (value) => this.run(false, () => resolve(value)),
        (error: Error) => this.run(false, () => reject(error)),
      )
      this.#working.add(work)
      void work.then(() => this.#working.delete(work))
    })
  }

  /** The way to close something, which the system takes if the process dies before. */
  #closer(open: Set<() => Promise<void>>, close: () => Promise<void>): () => Promise<void> {
    open.add(close)
    return () => {
      open.delete(close)
      return this.#io(close)
    }
  }

  #network(): Network {
    const { network } = this.#host
    const { own, cables, memberAt, isForClients } = this.#options
    const linkTo = (other: End | undefined, address: string): CuttableLink => {
      const link: CuttableLink = new CuttableLink(address, {
        isHeld: (way) => {
          if (other === undefined) return false
          return way === 'out' ? cables.isCut(own, other) : cables.isCut(other, own)
        },
        isPaused: () => this.#isPaused,
        run: (task) => this.run(false, task),
        later: (task) => this.#host.clock.turnEnd(() => this.run(false, task)),
        over: () => {
          this.#links.delete(link)
          stopListening()
        },
      })
      const stopListening = cables.onChange(() => link.settle())
      this.#links.add(link)
      return link
    }
    return {
      ...network,
      connect: (address, events, options) => {
        const link = linkTo(memberAt(address), address)
        link.dial(events, () => network.connect(address, link.events, options))
        return link
      },
      listen: (address, accept, options) => {
        // The members that dial hold back what is between members, so here only clients count.
        const other = isForClients(address) ? clients : undefined
        const accepted = (inner: Link): LinkEvents => {
          const link = linkTo(other, inner.remote)
          link.accepted(inner, () => accept(link))
          return link.events
        }
        return this.#io(async () => {
          const listener = await network.listen(address, accepted, options)
          return { address: listener.address, close: this.#closer(this.#ports, () => listener.close()) }
        })
      },
    }
  }

  #disk(): Disk {
    const { disk } = this.#host
    const io = <T>(begin: () => Promise<T>): Promise<T> => this.#io(begin)
    const fileOf = (file: DiskFile): DiskFile => ({
      size: () => io(() => file.size()),
      read: (position, target) => io(() => file.read(position, target)),
      write: (position, chunk) => io(() => file.write(position, chunk)),
      writeNow: (position, chunk) => {
        if (this.#isAlive) file.writeNow(position, chunk)
      },
      writeDurably: (position, chunk) => io(() => file.writeDurably(position, chunk)),
      sync: () => io(() => file.sync()),
      truncate: (size) => io(() => file.truncate(size)),
      close: this.#closer(this.#files, () => file.close()),
    })
    return {
      open: (path, options) => io(async () => fileOf(await disk.open(path, options))),
      list: (directory) => io(() => disk.list(directory)),
      makeDirectory: (path) => io(() => disk.makeDirectory(path)),
      identity: (directory) => io(() => disk.identity(directory)),
      rename: (from, to) => io(() => disk.rename(from, to)),
      remove: (path) => io(() => disk.remove(path)),
      syncDirectory: (path) => io(() => disk.syncDirectory(path)),
      lock: (directory) =>
        io(async () => {
          const lock = await disk.lock(directory)
          return { release: this.#closer(this.#files, () => lock.release()) }
        }),
    }
  }
}
