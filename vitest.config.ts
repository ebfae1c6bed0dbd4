import { defineConfig } from 'vitest/config'

/** Packages resolve to their sources, so tests run without a build. Not `module`: that is for bundlers, and Node cannot load all of it. */
const conditions = ['lightkeeper-source', 'node', 'import', 'default']

const project = (name: string, include: string[], more: object = {}) => ({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { name, include, pool: 'threads' as const, ...more },
})

export default defineConfig({
  test: {
    globalSetup: ['./test/support/temporary-root.ts'],
    projects: [
      // No module keeps state of its own, so these share one module graph per thread.
      project('unit', ['packages/*/src/**/*.test.ts'], { isolate: false, testTimeout: 60_000 }),
      project('simulation', ['test/simulation/**/*.test.ts'], { isolate: false, testTimeout: 120_000 }),
      project('swarm', ['test/simulation/**/*.swarm.ts', 'test/fuzz/**/*.swarm.ts'], {
        isolate: false,
        testTimeout: 86_400_000,
      }),
      project('tidy', ['test/tidy/**/*.test.ts'], { isolate: false, testTimeout: 60_000 }),
      project('conformance', ['test/conformance/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('client', ['test/client/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('recipes', ['test/recipes/**/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      project('field', ['test/field/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      // By time in CI, so no test of this lane has a limit of its own that could come first.
      project('fuzz', ['test/fuzz/**/*.test.ts'], { pool: 'forks' as const, testTimeout: 86_400_000 }),
      project('docs', ['test/docs/**/*.test.ts'], { pool: 'forks' as const, testTimeout: 60_000 }),
      project('interop', ['test/interop/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 180_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
      project('cli', ['test/cli/**/*.test.ts'], { pool: 'forks' as const, testTimeout: 60_000 }),
      project('console', ['test/console/*.test.ts'], { testTimeout: 60_000, hookTimeout: 60_000 }),
      // Needs a browser, which scripts/peers.mjs installs.
      project('browser', ['test/console/browser/**/*.test.ts'], {
        testTimeout: 60_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('crash', ['test/crash/**/*.test.ts'], { pool: 'forks' as const, testTimeout: 120_000 }),
      // Checked by the compiler, never run.
      project('types', [], {
        typecheck: {
          enabled: true,
          only: true,
          include: ['test/types/**/*.test-d.ts'],
          tsconfig: './test/types/tsconfig.json',
        },
      }),
      // In threads, so that CI ends all of it when it ends the one process that is over its time.
      project('package', ['test/package/**/*.test.ts'], {
        testTimeout: 60_000,
        hookTimeout: 60_000,
        fileParallelism: false,
      }),
      project('faults', ['test/faults/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('examples', ['examples/src/**/*.test.ts'], {
        pool: 'forks' as const,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
    ],
  },
})
