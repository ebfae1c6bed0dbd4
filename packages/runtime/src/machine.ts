/** Seam: what the host says about itself, for monitoring only. No code decides by it. */

export interface Machine {
  /** Names and values as Apache's `envi` has them, `os.name` and the like, in its order. */
  facts(): ReadonlyMap<string, string>
  /** File descriptors of this process, open and at most; undefined if the host does not know them. */
  descriptors(): Promise<{ readonly open: number; readonly max: number } | undefined>
}
