// jeromq as a client that waits for two seconds for its message to come back.
//   java -cp jeromq.jar Jeromq.java URI
import org.zeromq.ZMQ;

public class Jeromq {
    public static void main(String[] arguments) {
        ZMQ.Socket socket = ZMQ.context(1).socket(ZMQ.DEALER);
        socket.setReceiveTimeOut(2000);
        socket.connect(arguments[0]);
        socket.send("hi".getBytes(), 0);
        byte[] got = socket.recv(0);
        System.out.println(got == null ? "nothing" : new String(got));
        System.exit(0);
    }
}
