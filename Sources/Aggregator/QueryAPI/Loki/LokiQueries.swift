import HTTP
import JSON
import LogQL
import Telemetry

extension LokiAPI {
    func query(_ parameters: LokiParameters, _: HTTPRouter.Parameters) async throws -> HTTPResponse { throw LokiError(501, "") }
    func queryRange(_ parameters: LokiParameters, _: HTTPRouter.Parameters) async throws -> HTTPResponse { throw LokiError(501, "") }
    func detectedFields(_ parameters: LokiParameters) async throws -> HTTPResponse { throw LokiError(501, "") }
    func detectedFieldValues(_ parameters: LokiParameters, _ name: String) async throws -> HTTPResponse { throw LokiError(501, "") }
    func patterns(_ parameters: LokiParameters) async throws -> HTTPResponse { throw LokiError(501, "") }
    func tail(_ parameters: LokiParameters) async throws -> HTTPResponse { throw LokiError(501, "") }
}
