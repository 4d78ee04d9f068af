@testable import NodeStats

/// The naive twin of DiskUsage: one whole walk.
enum DirectorySize {
    /// Bytes allocated (as du(1) counts) and entries; nil if it cannot be read.
    static func measure(_ path: String) -> (bytes: UInt64, files: UInt64)? {
        guard let source = DirectoryLister(path) else { return nil }
        var tree = DirectoryTree()
        tree.beginPass()
        while let step = tree.nextStep() {
            switch source.visit(step.path, linkLimit: tree.policy.linkLimit, needsListing: { _ in true }, pause: {}) {
            case .same: tree.keep(step)
            case .listed(let listing, let changed): tree.take(step, listing, changed: changed, now: 0)
            case .gone: tree.lose(step, isUnreadable: false)
            case .unreadable: tree.lose(step, isUnreadable: true)
            }
        }
        return tree.size.map { ($0.bytes, $0.files) }
    }
}
