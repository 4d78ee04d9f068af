import APIServer
import HTTP
import JSON
import Objects
import Testing

/// Bodies that kubectl 1.33 sent.
struct ProtobufTests {
    static let bodies = [
        (
            "/apis/apps/v1/namespaces/default/deployments",
            """
            6b3873000a150a07617070732f7631120a4465706c6f796d656e7412a7010a1d0a02643112001a0022002a003200380042005a090a0361
            70701202643112780801120b0a090a03617070120264311a5f0a1b0a0012001a0022002a003200380042005a090a036170701202643112
            4012220a056e67696e7812056e67696e782a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201
            008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a002200
            """
        ),
        (
            "/api/v1/namespaces/default/configmaps",
            """
            6b3873000a0f0a0276311209436f6e6669674d6170121d0a130a03636d7812001a0022002a0032003800420012060a01611201621a0022
            00
            """
        ),
        (
            "/api/v1/namespaces",
            """
            6b3873000a0f0a02763112094e616d657370616365121b0a130a036e737812001a0022002a0032003800420012001a020a001a002200
            """
        ),
        (
            "/api/v1/namespaces/default/services",
            """
            6b3873000a0d0a02763112075365727669636512650a1f0a03736e7012001a0022002a003200380042005a0a0a036170701203736e7012
            3e0a180a0538302d3830120354435018502206080010501a002800120a0a036170701203736e701a0022084e6f6465506f72743a004200
            52005a00600068001a020a001a002200
            """
        ),
        (
            "/api/v1/namespaces/default/pods",
            """
            6b3873000a090a0276311203506f6412cf010a260a166e6f64652d64656275676765722d6e312d6c7372776612001a0022002a00320038
            004200128f010a120a09686f73742d726f6f7412050a030a012f12450a086465627567676572120762757379626f782a0042004a180a09
            686f73742d726f6f7410001a052f686f7374220032006a007200800100880100900100a2010446696c651a054e65766572320042004a00
            52026e315801600168018201008a01009a0100b2010e0a0012064578697374731a002200c201001a130a001a0022002a0032004a005a00
            72008801001a002200
            """
        ),
    ]

    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.filter { !$0.isWhitespace }.utf8.map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test(arguments: bodies)
    func `what kubectl sends in protobuf is made as if it came in JSON`(_ path: String, _ hex: String) async throws {
        let api = try await Fixture()
        let type = "application/vnd.kubernetes.protobuf"
        let made = await api.call(
            api.request("POST", "\(path)?fieldManager=kubectl-create&fieldValidation=Strict", Self.bytes(hex), type: type))
        #expect(made.status == 201, "\(made.text)")
        var again = made.json
        for field in ["uid", "resourceVersion", "creationTimestamp", "generation"] { again["metadata"].remove(field) }
        let name = made.json.metadataName
        await api.call("DELETE", "\(path)/\(name)", ["gracePeriodSeconds": 0])
        if path.hasSuffix("namespaces") {
            await api.call("PUT", "\(path)/\(name)/finalize", ["metadata": ["name": .string(name)]])
        }
        // The stored object, given again as JSON, is the same object: nothing came through that JSON would not give.
        let twin = await api.call("POST", path, again)
        #expect(twin.status == 201, "\(twin.text)")
        #expect(twin.json["spec"] == made.json["spec"])
        #expect(twin.json["data"] == made.json["data"])
    }

    @Test func `the fields of a deployment arrive`() async throws {
        let api = try await Fixture()
        let body = try #require(Self.bodies.first { $0.0.contains("deployments") })
        let request = api.request("POST", body.0, Self.bytes(body.1), type: "application/vnd.kubernetes.protobuf")
        let spec = await api.call(request).json["spec"]
        #expect(spec["replicas"] == 1)
        #expect(spec["selector"]["matchLabels"] == ["app": "d1"])
        #expect(spec["template"]["spec"]["containers"][0]["image"] == "nginx")
        #expect(spec["template"]["spec"]["hostNetwork"].isNull)
    }

    @Test func `no cut and no flipped bit of a body breaks the server`() async throws {
        let api = try await Fixture()
        var random = SystemRandomNumberGenerator()
        let body = Self.bytes(try #require(Self.bodies.first { $0.0.contains("pods") }).1)
        let pods = "/api/v1/namespaces/default/pods?dryRun=All"
        let type = "application/vnd.kubernetes.protobuf"
        for count in 0..<body.count {
            let answer = await api.call(api.request("POST", pods, Array(body.prefix(count)) + [0], type: type))
            #expect(answer.status >= 200 && answer.status < 500)
            var flipped = body
            flipped[count] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            let other = await api.call(api.request("POST", pods, flipped, type: type))
            #expect(other.status >= 200 && other.status < 500, "byte \(count) as \(flipped[count])")
        }
    }
}
