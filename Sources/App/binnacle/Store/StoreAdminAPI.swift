import HTTP
import JSON
import SeriesStore

/// What `binnacle store compact` and `binnacle backup` ask of a running store: on the ingest port, with the token that is
/// in the data directory.
///
/// The answer is lines of JSON: `{"file":NAME}` for each step, then `{"done":true,...}` or `{"error":TEXT}`.
struct StoreAdminAPI: Sendable {
    static let compact = "/api/v1/admin/store/compact"
    static let backup = "/api/v1/admin/store/backup"

    let store: SeriesStore
    let access: AdminAccess

    func register(on router: inout HTTPRouter) {
        router.on("POST", Self.compact) { request, _ in
            guarded(request) { _ in
                let before = store.statistics.fileBytes
                try await store.compact()
                return ["done": true, "before": JSON(before), "after": JSON(store.statistics.fileBytes)]
            }
        }
        router.on("POST", Self.backup) { request, _ in
            guard let target = request.parameter("to"), target.hasPrefix("/") else {
                return .json(["error": "the parameter to is missing, an absolute path"], status: 400)
            }
            return guarded(request) { step in
                let bytes = try await Backup.make(at: target) { try await store.snapshot(to: $0, progress: step) }
                return ["done": true, "bytes": JSON(bytes)]
            }
        }
    }

    private func guarded(_ request: HTTPRequest, _ work: @escaping @Sendable (@escaping @Sendable (String) -> Void) async throws -> JSON) -> HTTPResponse {
        guard access.accepts(request.fields["Authorization"]) else {
            return .json(["error": "the token is wrong: it is in admin.json of the data directory, which its owner can read"], status: 403)
        }
        return HTTPResponse(
            fields: ["Content-Type": "application/jsonl"],
            body: .stream { writer in
                // As many steps as the store has files.
                let (steps, feed) = AsyncStream.makeStream(of: JSON.self)
                async let end: Void = {
                    do { feed.yield(try await work { feed.yield(["file": .string($0)]) }) } catch { feed.yield(["error": .string("\(error)")]) }
                    feed.finish()
                }()
                for await step in steps { try await writer.write(step.bytes() + [0x0A]) }
                await end
            })
    }
}
