import Glibc
import Testing

@testable import SeriesStore

@Suite struct WriterThreadTests {
    private actor Counting {
        nonisolated let thread = WriterThread(name: "test-thread")
        nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }
        private(set) var count = 0
        private var threads = Set<pthread_t>()
        deinit { thread.stop() }

        func step() {
            count += 1
            threads.insert(pthread_self())
        }
        var threadCount: Int { threads.count }
    }

    @Test func `an actor runs on its one thread, in turn`() async {
        let counting = Counting()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<1000 { group.addTask { await counting.step() } }
        }
        #expect(await counting.count == 1000)
        #expect(await counting.threadCount == 1)
    }
}
