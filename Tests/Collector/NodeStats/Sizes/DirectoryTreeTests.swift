import Glibc
import Runtime
import TestKit
import Testing

@testable import NodeStats

@Suite struct DirectoryTreeTests {
    private let files = HostFileSystem()

    /// One pass over the machine's own directory; returns how many directories were listed.
    private func pass(_ tree: inout DirectoryTree, _ path: String, now: Int64, date: Int64 = SystemClock().nanoseconds) throws -> Int {
        let lister = try #require(DirectoryLister(path))
        var listed = 0
        tree.beginPass()
        while let step = tree.nextStep() {
            let visit = lister.visit(
                step.path, linkLimit: tree.policy.linkLimit, needsListing: { tree.needsListing(step, changed: $0, now: now, date: date) }, pause: {})
            switch visit {
            case .same: tree.keep(step)
            case .listed(let listing, let changed):
                listed += 1
                tree.take(step, listing, changed: changed, now: now)
            case .gone: tree.lose(step, isUnreadable: false)
            case .unreadable: tree.lose(step, isUnreadable: true)
            }
        }
        return listed
    }

    private func du(_ path: String) async throws -> (bytes: UInt64, files: UInt64) {
        func number(_ options: [String]) async throws -> UInt64 {
            let outcome = try await Program.run(["du", "-sx"] + options + [path])
            return try #require(UInt64(outcome.output.prefix { $0.isNumber }), "\(outcome.description)")
        }
        return (try await number(["--block-size=1"]), try await number(["--inodes"]))
    }

    @Test(arguments: [UInt64](1...5))
    func `a random tree measures as du does, whole and after changes`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let directory = TemporaryDirectory("tree")
        var folders = [directory.path]
        var made: [String] = []
        func grow(_ count: Int, links: Bool = false) throws {
            for _ in 0..<count {
                let parent = folders.randomElement(using: &random)!
                let path = "\(parent)/n\(UInt32.random(in: 0 ... .max, using: &random))"
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    try files.makeDirectory(path, mode: 0o755)
                    folders.append(path)
                case 1:
                    // A second name for a file that was listed with one is seen at its next listing only.
                    if links, let old = made.randomElement(using: &random) { _ = unsafe link(old, path) }
                case 2: _ = unsafe symlink("/usr", path)
                default:
                    try files.write(path, [UInt8](repeating: 1, count: Int.random(in: 0...40_000, using: &random)))
                    made.append(path)
                }
            }
        }
        try grow(150, links: true)
        var policy = DirectoryTree.Policy()
        policy.smallDirectory = -1
        policy.restAge = 0
        var tree = DirectoryTree(policy: policy)
        _ = try pass(&tree, directory.path, now: 1)
        var truth = try await du(directory.path)
        #expect(tree.size == DirectoryTree.Size(bytes: truth.bytes, files: truth.files, isExact: true), "seed \(seed)")
        #expect(try pass(&tree, directory.path, now: 2) == 0)
        for round in 3..<8 {
            try grow(10)
            if let doomed = folders.dropFirst().randomElement(using: &random) {
                try files.removeTree(doomed)
                folders.removeAll { $0 == doomed || $0.hasPrefix(doomed + "/") }
                made.removeAll { $0.hasPrefix(doomed + "/") }
            }
            _ = try pass(&tree, directory.path, now: Int64(round))
            truth = try await du(directory.path)
            #expect(tree.size == DirectoryTree.Size(bytes: truth.bytes, files: truth.files, isExact: true), "seed \(seed) round \(round)")
            #expect(tree.directoryCount <= folders.count)
        }
    }

    @Test func `only a directory that changed, is small, fresh or listed long ago is listed again`() throws {
        let directory = TemporaryDirectory("tree")
        for name in ["a", "b"] {
            try files.makeDirectory(directory.file(name), mode: 0o755)
            for number in 0..<50 { try files.write(directory.file("\(name)/\(number)"), [1]) }
        }
        var policy = DirectoryTree.Policy()
        policy.smallDirectory = 5
        policy.listingAge = 1_000
        let old = SystemClock().nanoseconds + 2 * policy.restAge
        var tree = DirectoryTree(policy: policy)
        #expect(try pass(&tree, directory.path, now: 1, date: old) == 3)
        // The root has two entries only.
        #expect(try pass(&tree, directory.path, now: 2, date: old) == 1)
        // One of the files was written lately.
        #expect(try pass(&tree, directory.path, now: 2, date: SystemClock().nanoseconds) == 3)
        try files.write(directory.file("b/new"), [1])
        #expect(try pass(&tree, directory.path, now: 3, date: old) == 2)
        #expect(try pass(&tree, directory.path, now: 1003, date: old) == 3)
    }

    @Test func `links out of the tree are not followed, mounts and what is locked are left out`() async throws {
        let directory = TemporaryDirectory("tree")
        let outside = TemporaryDirectory("outside")
        try files.write(outside.file("big"), [UInt8](repeating: 1, count: 100_000))
        try files.makeDirectory(directory.file("a/b"), mode: 0o755)
        _ = unsafe symlink(outside.path, directory.file("a/link"))
        let before = try #require(DirectorySize.measure(directory.path))
        #expect(before.bytes < 100_000)
        #expect(before.files == 4)
        // A directory that a container swapped for a link between two looks.
        let lister = try #require(DirectoryLister(directory.path))
        try files.removeTree(directory.file("a"))
        _ = unsafe symlink(outside.path, directory.file("a"))
        for path in ["a", "a/b", "a/../../\(outside.path)", ".."] {
            let visit = lister.visit(Array(path.utf8), linkLimit: 1, needsListing: { _ in true }, pause: {})
            guard case .gone = visit else {
                Issue.record("\(path) was visited")
                continue
            }
        }
        #expect(DirectorySize.measure(directory.file("a")) == nil)
        #expect(DirectorySize.measure(directory.file("nothing")) == nil)
    }

    @Test func `hard links beyond the limit are counted by name and the size says so`() throws {
        let directory = TemporaryDirectory("tree")
        try files.write(directory.file("0"), [UInt8](repeating: 1, count: 4096))
        for name in 1..<10 { _ = unsafe link(directory.file("0"), directory.file("\(name)")) }
        var policy = DirectoryTree.Policy()
        var tree = DirectoryTree(policy: policy)
        _ = try pass(&tree, directory.path, now: 1)
        #expect(tree.size?.files == 2)
        #expect(tree.size?.isExact == true)
        policy.linkLimit = 0
        tree = DirectoryTree(policy: policy)
        _ = try pass(&tree, directory.path, now: 1)
        #expect(tree.size?.files == 11)
    }
}
