import Glibc
import Runtime
import Synchronization

/// The thread of `DiskUsage`: takes one directory tree after the other and goes over it, sleeping as its pacer says.
final class DiskUsageWorker {
    private let usage: DiskUsage
    private let number: Int
    private var pacer: CPUPacer
    private var counted: Int64
    private var path = ""

    /// A rest between two looks for work, nanoseconds.
    private static let rest: Int64 = 200_000_000
    private static let longestSleep: Int64 = 500_000_000

    init(usage: DiskUsage, number: Int) {
        self.usage = usage
        self.number = number
        let cpu = BackgroundThread.cpuTime
        pacer = CPUPacer(share: usage.configuration.cpuShare, burst: usage.configuration.burst, cpu: cpu, time: BackgroundThread.steadyTime)
        counted = cpu
    }

    func run() {
        while true {
            switch choose() {
            case .end: return
            case .nothing: BackgroundThread.sleep(nanoseconds: Self.rest)
            case .walk(let path, let tree):
                self.path = path
                guard walk(tree) else { return }
            }
        }
    }

    private enum Choice { case end, nothing, walk(String, DirectoryTree) }

    private func choose() -> Choice {
        let now = BackgroundThread.steadyTime
        return usage.state.withLock { state in
            guard state.worker == number else { return .end }
            guard !state.isStopped, !state.targets.isEmpty else {
                // `watch` starts another when there is work again.
                state.isRunning = false
                return .end
            }
            var best: (path: String, target: DiskUsage.Target)?
            for (path, target) in state.targets where target.worker == nil && target.due <= now && !state.hungMounts.contains(target.mountPoint) {
                if let best, (best.target.due, best.path) <= (target.due, path) { continue }
                best = (path, target)
            }
            guard let (path, target) = best else { return .nothing }
            state.targets[path]?.worker = number
            state.targets[path]?.tree = nil
            state.remembered -= target.tree?.directoryCount ?? 0
            return .walk(path, target.tree ?? DirectoryTree())
        }
    }

    /// False if this worker was left behind and has to end.
    private func walk(_ old: DirectoryTree) -> Bool {
        var tree = old
        guard begin() else { return end(.abandoned) }
        guard let source = usage.open(path) else { return end(.unreadable) }
        tree.beginPass()
        while let step = tree.nextStep() {
            guard begin() else { return end(.abandoned) }
            visit(step, &tree, source)
            guard rest() else { return end(.abandoned) }
        }
        return end(.measured(tree))
    }

    private func visit(_ step: DirectoryTree.Step, _ tree: inout DirectoryTree, _ source: any DirectorySource) {
        let now = BackgroundThread.steadyTime
        switch source.visit(
            step.path, linkLimit: tree.policy.linkLimit,
            needsListing: { tree.needsListing(step, changed: $0, now: now, date: usage.clock.nanoseconds) },
            pause: { _ = rest() && begin() })
        {
        case .same: tree.keep(step)
        case .listed(let listing, let changed):
            usage.meters.directories.increment()
            usage.meters.entries.increment(by: listing.files + UInt64(listing.links.count + listing.directories.count))
            tree.take(step, listing, changed: changed, now: now)
        case .gone: tree.lose(step, isUnreadable: false)
        case .unreadable: tree.lose(step, isUnreadable: true)
        }
    }

    /// Marks that a call to the file system begins; false if this worker was left behind or has to stop.
    private func begin() -> Bool {
        let now = BackgroundThread.steadyTime
        return usage.state.withLock { state in
            guard state.worker == number, !state.isStopped else { return false }
            state.call = (path, now)
            return true
        }
    }

    /// Marks that the call came back, and sleeps what the budget asks for; false if this worker was left behind.
    private func rest() -> Bool {
        let isOurs = usage.state.withLock { state in
            guard state.worker == number else { return false }
            state.call = nil
            return true
        }
        guard isOurs else { return false }
        let cpu = BackgroundThread.cpuTime
        usage.meters.cpu.value += Double(max(0, cpu - counted)) / 1e9
        counted = cpu
        var pause = pacer.pause(cpu: cpu, time: BackgroundThread.steadyTime)
        while pause > 0 {
            let piece = min(pause, Self.longestSleep)
            BackgroundThread.sleep(nanoseconds: piece)
            pause -= piece
            if usage.state.withLock({ $0.isStopped || $0.worker != number }) { break }
        }
        return true
    }

    private enum End { case measured(DirectoryTree), unreadable, abandoned }

    /// Gives the tree back; false if this worker was left behind: then its mount answers again.
    private func end(_ end: End) -> Bool {
        let now = BackgroundThread.steadyTime
        return usage.state.withLock { state in
            let isOurs = state.worker == number
            if isOurs { state.call = nil }
            guard var target = state.targets[path], target.worker == number else { return leave(&state, isOurs) }
            target.worker = nil
            target.due = now + usage.configuration.interval
            switch end {
            case .measured(let tree):
                target.size = tree.size
                target.measured = usage.clock.nanoseconds
                usage.meters.passes.increment()
                if state.remembered + tree.directoryCount <= usage.configuration.directoryLimit {
                    target.tree = tree
                    state.remembered += tree.directoryCount
                }
            case .unreadable: target.size = nil
            case .abandoned: break
            }
            state.targets[path] = target
            return leave(&state, isOurs, mountPoint: target.mountPoint)
        }
    }

    private func leave(_ state: inout DiskUsage.State, _ isOurs: Bool, mountPoint: String? = nil) -> Bool {
        guard !isOurs else { return true }
        state.lost -= 1
        if let mountPoint { state.hungMounts.remove(mountPoint) }
        return false
    }
}

/// A directory tree that can be visited; the seam in front of the file system.
protocol DirectorySource {
    /// Looks at the directory; lists it if `needsListing`, which is told when it changed, says so. `pause` may be called
    /// in between.
    func visit(
        _ path: [UInt8], linkLimit: Int, needsListing: (_ changed: Int64) -> Bool, pause: () -> Void
    ) -> DirectoryVisit
}

enum DirectoryVisit {
    case same
    case listed(DirectoryTree.Listing, changed: Int64)
    case gone
    case unreadable
}
