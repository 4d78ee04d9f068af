import TestKit
import Testing

@testable import NodeStats

@Suite struct OOMCountsTests {
    private enum Act {
        /// A cgroup of the owner `o` says so many kills (nil: it has no such file); the total is expected.
        case counts(String, UInt64?, UInt64)
        case logs(String)
        case rounds(Int)
        case total(UInt64)
        case untold(String, UInt64)
    }

    private static let stories: [(name: String, acts: [Act])] = [
        ("the count alone", [.counts("/a", 0, 0), .counts("/a", 2, 2), .counts("/a", 2, 2)]),
        ("kills before the Collector started", [.counts("/a", 5, 5), .logs("/a"), .total(6), .counts("/a", 6, 6)]),
        ("the log is first", [.counts("/a", 0, 0), .logs("/a"), .total(1), .counts("/a", 1, 1), .untold("/a", 0)]),
        ("the log is late", [.counts("/a", 0, 0), .counts("/a", 1, 1), .untold("/a", 1), .logs("/a"), .total(1), .untold("/a", 0)]),
        ("the cgroup dies before it is read", [.counts("/a", 0, 0), .logs("/a"), .rounds(1), .counts("/b", 0, 1), .rounds(200), .counts("/b", 1, 2)]),
        ("a container that restarts", [.counts("/a", 1, 1), .rounds(1), .counts("/b", 0, 1), .counts("/b", 3, 4), .rounds(100), .counts("/c", 0, 4)]),
        ("between two tries nothing runs", [.counts("/a", 2, 2), .rounds(400), .counts("/b", 0, 2), .total(2)]),
        ("a path is given to a new cgroup", [.counts("/a", 3, 3), .counts("/a", 1, 4), .counts("/a", 2, 5)]),
        ("no count at all", [.counts("/a", nil, 0), .logs("/a"), .total(1), .counts("/a", nil, 1)]),
        ("a cgroup that nobody knows", [.logs("/x"), .total(0)]),
    ]

    @Test(arguments: stories.indices)
    func `kills are kept`(index: Int) {
        let story = Self.stories[index]
        var counts = OOMCounts()
        for act in story.acts {
            switch act {
            case .counts(let path, let value, let total):
                counts.beginRound()
                #expect(counts.record(path: path, owner: "o", counted: value) == total, "\(story.name)")
                counts.endRound()
            case .logs(let path): _ = counts.log(path: path)
            case .rounds(let number):
                for _ in 0..<number {
                    counts.beginRound()
                    counts.endRound()
                }
            case .total(let total): #expect(counts.total(of: "o") == total, "\(story.name)")
            case .untold(let path, let kills): #expect(counts.untold(path: path) == kills, "\(story.name)")
            }
        }
    }

    @Test func `what a cgroup had goes to its owner when that becomes known`() {
        var counts = OOMCounts()
        #expect(counts.record(path: "/a", owner: "/a", counted: 2) == 2)
        #expect(counts.record(path: "/a", owner: "pod/c", counted: 3) == 3)
        #expect(counts.total(of: "/a") == 0)
    }

    @Test(arguments: [UInt64](1...100))
    func `no sum ever falls, and memory stays bounded`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var counts = OOMCounts()
        var kills: [String: UInt64] = [:]
        var last: UInt64 = 0
        var generation = 0
        for _ in 0..<500 {
            counts.beginRound()
            if Int.random(in: 0..<10, using: &random) == 0 { generation += 1 }
            let path = "/c\(generation)"
            if Int.random(in: 0..<4, using: &random) == 0 {
                kills[path, default: 0] += 1
                if Bool.random(using: &random) { _ = counts.log(path: path) }
            }
            let total = counts.record(path: path, owner: "o", counted: kills[path] ?? 0)
            #expect(total >= last, "seed \(seed)")
            last = total
            counts.endRound()
            #expect(counts.groupCount <= OOMCounts.graceRounds + 20)
        }
        #expect(last == kills.values.reduce(0, +), "seed \(seed)")
    }
}
