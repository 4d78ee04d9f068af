import HTTP
import JSON
import ObjectStore
import Objects

/// The body of a watch: one line of JSON for each change, until its time is over or the client goes.
struct WatchStream: Sendable {
    /// Its time is set anew for each batch of changes, so that ages in tables are right.
    let renderer: ObjectRenderer
    let now: @Sendable () -> Int64
    let options: WatchOptions
    /// What is there already, sent as ADDED first; empty if the client named a revision.
    var initial: [LiveObject] = []
    let initialRevision: Int64
    let watch: StoreWatch
    var bookmarkInterval = Duration.seconds(60)

    func run(_ writer: any HTTPBodyWriter) async throws {
        var isFirst = true
        try await writeInitial(writer, &isFirst)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await keepTime() }
            try await forward(to: writer, isFirst: isFirst)
            group.cancelAll()
        }
    }

    /// Asks for bookmarks and ends the watch at its time.
    private func keepTime() async {
        let clock = ContinuousClock()
        let end = clock.now + options.timeout
        while clock.now < end {
            do {
                try await clock.sleep(until: min(end, clock.now + bookmarkInterval))
            } catch {
                // The watch is over: the client has gone or the store ended it.
                return
            }
            if options.allowsBookmarks { watch.requestProgress() }
        }
        watch.finish()
    }

    private func writeInitial(_ writer: any HTTPBodyWriter, _ isFirst: inout Bool) async throws {
        // In pieces, so that the text of a large collection is never in memory as a whole.
        var text: [UInt8] = []
        for object in initial {
            text += renderer.frame(WatchChange(added: object), withColumns: isFirst)
            isFirst = false
            if text.count > 64 << 10 {
                try await writer.write(text)
                text = []
            }
        }
        if options.marksInitialEnd { text += renderer.bookmark(revision: initialRevision, isInitialEnd: true) }
        if !text.isEmpty { try await writer.write(text) }
    }

    private func forward(to writer: any HTTPBodyWriter, isFirst: Bool) async throws {
        var isFirst = isFirst
        do throws(StoreError) {
            while let items = try await watch.next() {
                var text: [UInt8] = []
                var renderer = renderer
                renderer.now = now()
                for item in items {
                    switch item {
                    case .progress(let revision): if options.allowsBookmarks { text += renderer.bookmark(revision: revision) }
                    case .event(let event):
                        guard let change = WatchChange(event, selection: options.selection, kind: renderer.kind) else { continue }
                        text += renderer.frame(change, withColumns: isFirst)
                        isFirst = false
                    }
                }
                guard !text.isEmpty else { continue }
                // The client has gone: nobody is left to tell.
                do { try await writer.write(text) } catch { return }
            }
        } catch {
            if case .closed = error { return }
            try await writer.write(ObjectRenderer.errorFrame(StatusError(error)))
        }
    }
}
