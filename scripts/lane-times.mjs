// @ts-check
/**
 * A reporter for vitest: how long the files of each lane took, added up, and which files failed, as JSON into the file that LANE_TIMES
 * names. Files run beside each other, so that the sums are more than the time that passed.
 */
import { writeFileSync } from 'node:fs'

/** @typedef {{ lane: string, files: number, seconds: number, slowest: string, slowestSeconds: number }} LaneTime */
/** @typedef {{ lane: string, file: string }} FailedFile */
/** @typedef {{ lanes: LaneTime[], failed: FailedFile[], isTold: boolean }} LaneReport the failed files are all of what failed if `isTold` */

export default class LaneTimes {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} errors that no test caught
   */
  onTestRunEnd(modules, errors) {
    /** @type {Map<string, LaneTime>} */
    const lanes = new Map()
    for (const module of modules) {
      const { duration, collectDuration, setupDuration } = module.diagnostic()
      const seconds = (duration + collectDuration + setupDuration) / 1000
      const before = lanes.get(module.project.name)
      const isSlowest = before === undefined || seconds > before.slowestSeconds
      lanes.set(module.project.name, {
        lane: module.project.name,
        files: (before?.files ?? 0) + 1,
        seconds: (before?.seconds ?? 0) + seconds,
        slowest: isSlowest ? module.relativeModuleId : before.slowest,
        slowestSeconds: isSlowest ? seconds : before.slowestSeconds,
      })
    }
    const failed = modules
      .filter((module) => !module.ok())
      .map((module) => ({ lane: module.project.name, file: module.relativeModuleId }))
    /** @type {LaneReport} */
    const report = { lanes: [...lanes.values()], failed, isTold: errors.length === 0 }
    const path = process.env['LANE_TIMES']
    if (path !== undefined) writeFileSync(path, JSON.stringify(report))
  }
}
