import TestKit
import Testing

@testable import NodeStats

/// The parsers of cgroup files: each on what it should get, on each beginning of it, and on bytes drawn at random.
@Suite struct CgroupTextTests {
    private func single(_ text: String) -> (UInt64?, TextProblems) {
        var problems: TextProblems = []
        let bytes = Array(text.utf8)
        return (CgroupText.single(bytes.span, &problems), problems)
    }

    private static let singles: [(text: String, value: UInt64?, problems: TextProblems)] = [
        ("42\n", 42, []), ("max\n", nil, []), ("-1\n", nil, []), ("", nil, .empty), ("4", nil, .truncated), ("\n", nil, .malformed),
        ("x\n", nil, .malformed), ("18446744073709551615\n", .max, []), ("18446744073709551616\n", nil, .overflow),
        ("99999999999999999999999\n", nil, .overflow),
    ]

    @Test func `a file with one number`() {
        for (text, value, problems) in Self.singles {
            let (found, told) = single(text)
            #expect(found == value && told == problems, "\(text)")
        }
    }

    private func pairs(_ text: String) -> ([String: UInt64], TextProblems) {
        var problems: TextProblems = []
        var found: [String: UInt64] = [:]
        let bytes = Array(text.utf8)
        let span = bytes.span
        CgroupText.forEachPair(span, &problems) { key, value in found[CgroupText.string(bytes.span, key)] = value }
        return (found, problems)
    }

    @Test func `pairs skip what they do not know, and a line that was cut`() {
        #expect(pairs("a 1\nb 2 extra\n\nnothing\nc x\nd 18446744073709551616\ne 5\nf 6") == (["a": 1, "b": 2, "e": 5], [.malformed, .overflow, .truncated]))
        #expect(pairs("") == ([:], .empty))
    }

    @Test func `numbers by white space`() {
        var problems: TextProblems = []
        var values: [UInt64] = [9]
        let bytes = Array("12 0 7 \n3\n".utf8)
        CgroupText.numbers(bytes.span, into: &values, &problems)
        #expect(values == [12, 0, 7, 3] && problems.isEmpty)
    }

    @Test func `pressure with and without a line`() {
        func parse(_ text: String) -> CgroupSample.Pressure? {
            var problems: TextProblems = []
            let bytes = Array(text.utf8)
            return PressureText.parse(bytes.span, &problems)
        }
        let both = parse("some avg10=1.50 avg60=0.07 avg300=100.00 total=700\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7 new=1\n")
        #expect(both?.some.average10 == 1.5 && both?.some.average60 == 0.07 && both?.some.average300 == 100 && both?.some.total == 700)
        #expect(both?.full.total == 7)
        #expect(parse("full avg10=0.00 avg60=0.00 avg300=0.00 total=3\n")?.full.total == 3)
        #expect(parse("") == nil)
        #expect(parse("some") == nil)
    }

    @Test func `NUMA in both versions`() {
        func parse(_ text: String, _ isFirstVersion: Bool) -> [CgroupSample.NUMANode] {
            var problems: TextProblems = []
            let bytes = Array(text.utf8)
            return NUMAText.parse(bytes.span, isFirstVersion: isFirstVersion, pageSize: 4096, &problems)
        }
        let first = parse("total=5 N0=3 N1=2\nfile=3 N0=2 N1=1\nanon=2 N0=1 N1=1\nhierarchical_file=30 N0=20 N1=10\n", true)
        #expect(first.map(\.file) == [2, 1] && first.map(\.anonymous) == [1, 1] && first.map(\.hierarchyFile) == [20, 10])
        let second = parse("anon N0=8192 N1=0\nfile N0=4096 N1=12288\nkernel_stack N0=4096\n", false)
        #expect(second.map(\.file) == [1, 3] && second.map(\.hierarchyAnonymous) == [2, 0])
        #expect(parse("file=1 N99999999=1 Nx=2 N0=7\n", true).map(\.node) == [0])
    }

    @Test func `memory.stat keeps its place when lines come and go`() {
        let stat = MemoryStat(version: 2, keepsParts: true)
        func parse(_ text: String) -> CgroupSample {
            var (problems, sample): (TextProblems, CgroupSample) = ([], CgroupSample())
            let bytes = Array(text.utf8)
            stat.parse(bytes.span, into: &sample, &problems)
            return sample
        }
        let whole = parse("anon 10\nfile 20\nsock 3\nshmem 5\nslab_unreclaimable 7\nfile_dirty 1\nunevictable 2\npgfault 9\n")
        #expect(whole.memoryRSS == 10 && whole.memoryCache == 20 && whole.memoryUnreclaimable == 25 && whole.pageFaults == 9)
        #expect(whole.memoryParts == [.init("sock", 3)] && whole.ownPageFaults == 9)
        let changed = parse("file 21\nnew 4\nanon 11\nsock 6\npgfault 10\n")
        #expect(changed.memoryRSS == 11 && changed.memoryCache == 21 && changed.pageFaults == 10)
        #expect(changed.memoryParts == [.init("new", 4), .init("sock", 6)])
    }

    /// Every beginning of a real file, and every file with one byte changed, is read without a crash, and numbers that
    /// were whole stay what they were.
    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `no text can crash a parser`(seed: UInt64) {
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
        let samples = [
            "anon 10\nfile 20\npgfault 9\n", "some avg10=1.50 avg60=0.07 avg300=0.00 total=700\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n",
            "file=3 N0=2 N1=1\nhierarchical_file=30 N0=20 N1=10\n", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n", "cpu user system\n0 1 2\n",
        ]
        for _ in 0..<3000 {
            var bytes = Array(samples[next(samples.count)].utf8)
            for _ in 0..<next(4) where !bytes.isEmpty { bytes[next(bytes.count)] = UInt8(next(256)) }
            bytes.removeLast(next(bytes.count + 1))
            var problems: TextProblems = []
            var sample = CgroupSample()
            var values: [UInt64] = []
            MemoryStat(version: 1 + next(2), keepsParts: true).parse(bytes.span, into: &sample, &problems)
            _ = PressureText.parse(bytes.span, &problems)
            _ = NUMAText.parse(bytes.span, isFirstVersion: next(2) == 0, pageSize: 4096, &problems)
            _ = HostHintReader.memoryInUse(bytes.span)
            CgroupText.numbers(bytes.span, into: &values, &problems)
            CgroupText.forEachPair(bytes.span, &problems) { key, _ in
                #expect(key.upperBound <= bytes.count, "seed \(seed)")
            }
        }
    }
}
