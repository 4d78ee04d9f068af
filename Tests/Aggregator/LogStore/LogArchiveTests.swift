import Testing
@testable import LogStore
@Suite struct LogArchiveTests {}
