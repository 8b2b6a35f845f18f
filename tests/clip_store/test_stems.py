"""The stems of one separation."""



