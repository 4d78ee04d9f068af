import TestKit
import JSON
import Objects
import Testing

/// Bodies that kubectl 1.33 sent, captured (contracts/kubernetes/wire/protobuf_samples_kubectl1.33.json).
@Suite struct ProtobufTests {
    static let captured: [(apiVersion: String, kind: String, hex: String, json: String)] = [
        (
            "apps/v1", "Deployment",
            "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412a7010a1d0a02643112001a0022002a003200380042005a090a036170701202643112780801120b0a090a03617070120264311a5f0a1b0a0012001a0022002a003200380042005a090a0361707012026431124012220a056e67696e7812056e67696e782a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a002200",
            #"{"metadata":{"name":"d1","labels":{"app":"d1"}},"spec":{"replicas":1,"selector":{"matchLabels":{"app":"d1"}},"template":{"metadata":{"labels":{"app":"d1"}},"spec":{"containers":[{"name":"nginx","image":"nginx","resources":{}}]}},"strategy":{}},"status":{},"apiVersion":"apps/v1","kind":"Deployment"}"#
        ),
        (
            "v1", "ConfigMap",
            "6b3873000a0f0a0276311209436f6e6669674d6170121d0a130a03636d7812001a0022002a0032003800420012060a01611201621a002200",
            #"{"metadata":{"name":"cmx"},"data":{"a":"b"},"apiVersion":"v1","kind":"ConfigMap"}"#
        ),
        (
            "v1", "Namespace",
            "6b3873000a0f0a02763112094e616d657370616365121b0a130a036e737812001a0022002a0032003800420012001a020a001a002200",
            #"{"metadata":{"name":"nsx"},"spec":{},"status":{},"apiVersion":"v1","kind":"Namespace"}"#
        ),
        (
            "v1", "Service",
            "6b3873000a0d0a02763112075365727669636512650a1f0a03736e7012001a0022002a003200380042005a0a0a036170701203736e70123e0a180a0538302d3830120354435018502206080010501a002800120a0a036170701203736e701a0022084e6f6465506f72743a00420052005a00600068001a020a001a002200",
            #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"snp","labels":{"app":"snp"}},"spec":{"ports":[{"name":"80-80","protocol":"TCP","port":80,"targetPort":80}],"selector":{"app":"snp"},"type":"NodePort"},"status":{"loadBalancer":{}}}"#
        ),
        (
            "batch/v1", "Job",
            "6b3873000a0f0a0862617463682f763112034a6f62127a0a120a026a7812001a0022002a00320038004200125a32580a100a0012001a0022002a00320038004200124412210a026a78120762757379626f782a0042006a007200800100880100900100a201001a054e65766572320042004a0052005800600068008201008a01009a0100c201001a082000280030003a001a002200",
            #"{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"jx"},"spec":{"template":{"metadata":{},"spec":{"containers":[{"name":"jx","image":"busybox","resources":{}}],"restartPolicy":"Never"}}},"status":{}}"#
        ),
        (
            "v1", "Pod",
            "6b3873000a090a0276311203506f6412cf010a260a166e6f64652d64656275676765722d6e312d6c7372776612001a0022002a00320038004200128f010a120a09686f73742d726f6f7412050a030a012f12450a086465627567676572120762757379626f782a0042004a180a09686f73742d726f6f7410001a052f686f7374220032006a007200800100880100900100a2010446696c651a054e65766572320042004a0052026e315801600168018201008a01009a0100b2010e0a0012064578697374731a002200c201001a130a001a0022002a0032004a005a0072008801001a002200",
            #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"node-debugger-n1-lsrwf"},"spec":{"volumes":[{"name":"host-root","hostPath":{"path":"/"}}],"containers":[{"name":"debugger","image":"busybox","resources":{},"volumeMounts":[{"name":"host-root","mountPath":"/host"}],"terminationMessagePolicy":"File"}],"restartPolicy":"Never","nodeName":"n1","hostNetwork":true,"hostPID":true,"hostIPC":true,"tolerations":[{"operator":"Exists"}]},"status":{}}"#
        ),
    ]

    private static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.map { $0 > 0x39 ? $0 - 0x57 : $0 - 0x30 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test(arguments: captured)
    func `captured bodies read as the same JSON`(apiVersion: String, kindName: String, hex: String, text: String) throws {
        let body = try ProtobufBody(Self.bytes(hex))
        #expect(body.apiVersion == apiVersion && body.kind == kindName)
        let kind = try kind(kindName, apiVersion)
        let (object, unknown) = try kind.decode(body.json(as: kind))
        #expect(unknown.isEmpty)
        #expect(try object == json(text))
        #expect(try kind.validate(kind.created(object)).isEmpty)
    }

    @Test func `damaged bodies are refused at any cut`() throws {
        let pod = try kind("Pod")
        let whole = Self.bytes(Self.captured.last!.hex)
        for length in 0..<whole.count {
            // A cut inside may still leave whole fields; it must never trap.
            _ = try? ProtobufBody(Array(whole.prefix(length))).json(as: pod)
        }
        #expect(throws: StatusError.self) { try ProtobufBody(Array("{}".utf8)) }
        #expect(throws: StatusError.self) { try ProtobufBody(Array(whole.prefix(40))) }
    }

    @Test func `random damage never traps`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        let pod = try kind("Pod")
        let whole = Self.bytes(Self.captured.last!.hex)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 4..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let object = try? ProtobufBody(bytes).json(as: pod) { _ = try? pod.decode(object) }
        }
    }
}
