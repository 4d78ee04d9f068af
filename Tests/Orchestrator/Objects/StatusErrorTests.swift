import JSON
import Objects
import Testing

@Suite struct StatusErrorTests {
    @Test func `words a missing object as Kubernetes does`() {
        let error = StatusError.notFound(.deployments, "web")
        #expect(error.status["message"] == #"deployments.apps "web" not found"#)
        #expect(error.status["details"] == ["name": "web", "group": "apps", "kind": "deployments"])
        #expect(error.status["code"] == 404)
    }
}
