import TestKit
import Testing

/// The condition must come true within twenty seconds.
func soon(_ sourceLocation: SourceLocation = #_sourceLocation, _ condition: @Sendable () async throws -> Bool) async throws {
    let cameTrue = try await eventually(within: 20, condition)
    #expect(cameTrue, sourceLocation: sourceLocation)
}
