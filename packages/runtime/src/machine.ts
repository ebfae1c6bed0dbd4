/** Seam: what the host says about itself, for those who watch a server. Nothing is decided by it. */

export interface Machine {
  /** Names and values as Apache's `envi` has them, `os.name` and the like, in its order. */
  facts(): ReadonlyMap<string, string>
  /** File descriptors of this process, open and at most; undefined where the host does not tell. */
  descriptors(): Promise<{ readonly open: number; readonly max: number } | undefined>
}
