"""tiny raw client for experiments"""
import base64, json, os, socket, ssl, struct, sys
class Wire:
    def __init__(self, host, port, ca, user, password):
        ctx = ssl.create_default_context(cadata=ca); ctx.check_hostname=False
        s = ctx.wrap_socket(socket.create_connection((host, port)), server_hostname="juju-apiserver")
        s.sendall(f"GET /api HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n".encode())
        self.f = s.makefile("rwb"); 
        while self.f.readline().strip(): pass
        self.n=0
        self.call("Admin",3,"Login",{"auth-tag":f"user-{user}","credentials":password,"client-version":"3.6.0"})
    def call(self, facade, version, method, params):
        self.n+=1
        data=json.dumps({"request-id":self.n,"type":facade,"version":version,"request":method,"params":params}).encode()
        mask=os.urandom(4); n=len(data)
        head=b"\x81"+(bytes([128|n]) if n<126 else bytes([128|126])+struct.pack(">H",n) if n<65536 else bytes([255])+struct.pack(">Q",n))
        self.f.write(head+mask+bytes(b^mask[i%4] for i,b in enumerate(data))); self.f.flush()
        out=b""
        while True:
            b0,b1=self.f.read(2); n=b1&127
            if n==126: n=struct.unpack(">H",self.f.read(2))[0]
            elif n==127: n=struct.unpack(">Q",self.f.read(8))[0]
            out+=self.f.read(n)
            if b0&0x80: break
        r=json.loads(out)
        if r.get("error"): raise RuntimeError(r["error"])
        return r["response"]
if __name__=="__main__":
    spec=json.load(sys.stdin)
    w=Wire(**spec["to"])
    for c in spec["calls"]: print(json.dumps(w.call(*c)))
